// The console's one script: what makes pages quicker to use. Every page works without it.
"use strict";

// Copy buttons: <button data-copy="id of an input" hidden>
function offerCopy(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      const before = button.innerHTML;
      try {
        await navigator.clipboard.writeText(source.value ?? source.textContent);
      } catch {
        if (source.select) source.select(); else getSelection().selectAllChildren(source);
        document.execCommand("copy");
      }
      button.textContent = "Copied";
      announce("Copied");
      setTimeout(() => { button.innerHTML = before; }, 1500);
    });
  }
}

// What a reader of the screen is told.
function announce(text) {
  const place = document.querySelector(".notices");
  const line = document.createElement("p");
  line.className = "hidden";
  line.textContent = text;
  place.append(line);
  setTimeout(() => line.remove(), 3000);
}

// Sent where nobody but the page itself asks, which keeps no session awake.
const RESTING = { "X-Refresh": "1" };

// What a session showed goes from the screen when it has ended.
function leaveIfOver(reply) {
  if (!reply.redirected || new URL(reply.url).pathname !== "/login") return;
  location.replace(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

function leaveWithSession() {
  if (!document.querySelector("form[action='/logout']")) return;
  const look = () => fetch("/account", { method: "HEAD", headers: RESTING }).then(leaveIfOver, () => {});
  setInterval(look, 300000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
}

// What can have the focus, in its order.
const STOPS = "a[href], button, input, select, summary, [tabindex]";

// Where the focus is in a part, so that it is found again in another one of the same form.
function focusIn(part) {
  const here = document.activeElement;
  if (!part.contains(here)) return null;
  const stops = [...part.querySelectorAll(STOPS)];
  return { id: here.id, address: here.getAttribute("href"), place: stops.indexOf(here) };
}

function focusAgain(part, was) {
  const stops = [...part.querySelectorAll(STOPS)];
  const found = (was.id && document.getElementById(was.id))
    || (was.address && stops.find((one) => one.getAttribute("href") === was.address))
    || stops[Math.min(was.place, stops.length - 1)];
  found?.focus({ preventScroll: true });
}

// Whether a text in a part is just selected, as to be copied.
function isRead(part) {
  const chosen = getSelection();
  return !chosen.isCollapsed && (part.contains(chosen.anchorNode) || part.contains(chosen.focusNode));
}

// Take a part of another answer in the place of the one shown, by its id; the focus stays where it is.
async function replaceParts(address, ids, { signal, headers } = {}) {
  const reply = await fetch(address, { signal, headers, credentials: "same-origin" });
  leaveIfOver(reply);
  if (!reply.ok || reply.redirected) return false;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  for (const id of ids) {
    const shown = document.getElementById(id);
    const fresh = page.getElementById(id);
    if (!shown || !fresh || fresh.innerHTML === shown.innerHTML || isRead(shown)) continue;
    const was = focusIn(shown);
    shown.innerHTML = fresh.innerHTML;
    prepare(shown);
    if (was) focusAgain(shown, was);
  }
  return true;
}

// Live parts: <div id="x" data-refresh="seconds">; they rest while the page is hidden, and say if they cannot go on.
function keepFresh() {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const seconds = Number(part.dataset.refresh);
    const late = document.createElement("p");
    late.className = "notice warn";
    late.setAttribute("role", "status");
    late.textContent = "This is not up to date any more; it is tried again. Load the page anew to see why.";
    let failures = 0;
    const turn = async () => {
      if (!document.hidden && !part.querySelector("details[open], input:focus, select:focus")) {
        try {
          failures = await replaceParts(location.href, [part.id], { headers: RESTING }) ? 0 : failures + 1;
        } catch { failures += 1; }
        if (failures > 1) part.prepend(late);
        else late.remove();
      }
      setTimeout(turn, seconds * 1000 * (Math.min(failures, 9) + 1));
    };
    setTimeout(turn, seconds * 1000);
  }
}

// Search as you type: <form method="get" data-search="id of the part that shows what is found">
function searchAsYouType() {
  for (const form of document.querySelectorAll("form[data-search]")) {
    let timer, running;
    const look = () => {
      running?.abort();
      running = new AbortController();
      const fields = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
      const address = `${form.getAttribute("action") || location.pathname}?${fields}`;
      replaceParts(address, [form.dataset.search], { signal: running.signal })
        .then(() => history.replaceState(null, "", address))
        .catch((error) => { if (error.name !== "AbortError") form.submit(); });
    };
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 150); });
    form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); look(); });
  }
}

// Times such as "3 minutes ago" go on.
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
function relative(time) {
  const apart = (Date.now() - Date.parse(time.dateTime)) / 1000;
  for (const [unit, length] of UNITS) {
    const count = Math.floor(Math.abs(apart) / length);
    if (count) {
      const text = `${count.toLocaleString("en")} ${unit}${count === 1 ? "" : "s"}`;
      return apart >= 0 ? `${text} ago` : `in ${text}`;
    }
  }
  return "now";
}
setInterval(() => {
  if (!document.hidden) for (const time of document.querySelectorAll("time[data-relative]")) time.textContent = relative(time);
}, 10000);

// A key to the search field: "/".
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) return;
  const field = document.querySelector("input[type=search]");
  if (field) { event.preventDefault(); field.focus(); field.select(); }
});

function prepare(root) { offerCopy(root); }
prepare(document);
leaveWithSession();
keepFresh();
searchAsYouType();
