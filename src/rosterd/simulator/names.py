"""Names, places, departments: the data from which a company is made. No code.

A name in another script is written ``native|Latin``, because mail addresses are Latin. In all
other names the mail address is the name without its accents.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Culture:
    """Where a name comes from. ``family_first``: how the whole name is said; ``joint`` joins it."""

    locale: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    family_first: bool = False
    joint: str = " "


@dataclass(frozen=True, slots=True)
class Place:
    """An office. ``cultures`` are the locales most of its people come from."""

    city: str
    region: str
    country: str
    """ISO 3166-1 alpha-2, as RFC 7643 §4.1.2 wants it."""
    timezone: str
    phone: str
    """Prefix of its numbers, RFC 3966 style without ``tel:``."""
    postal: str
    """``#`` stands for a digit."""
    streets: tuple[str, ...]
    cultures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Department:
    """A department: its share of the people, and its titles for leader, managers and others."""

    name: str
    share: int
    leader: str
    manager: str
    titles: tuple[str, ...]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


CULTURES: Final = (
    Culture(
        "en-US",
        _names("Ava, James, Madison, Tyler, Grace, Ethan, Zoe, Marcus, Naomi, Caleb, Hannah, Andre"),
        _names("Walker, Johnson, Reed, Hughes, Carter, Brooks, Sullivan, Price, Foster, Bennett, Hayes"),
    ),
    Culture(
        "en-IE",
        _names("Aoife, Seán, Siobhán, Pádraig, Niamh, Oisín, Róisín, Conor, Caoimhe, Tadhg"),
        _names("O'Brien, Ó Súilleabháin, Murphy, Ní Dhomhnaill, Byrne, O'Connor, Mac Carthy, Gallagher"),
    ),
    Culture(
        "de-DE",
        _names("Jürgen, Anneliese, Björn, Käthe, Florian, Sabine, Günther, Heike, Lukas, Annika, Jörg"),
        _names("Müller, Weiß, Schröder, Köhler, Groß, Jäger, Schäfer, Böhm, von der Heide, Strauß, Krüger"),
    ),
    Culture(
        "fr-FR",
        _names("Élodie, François, Chloé, Benoît, Maëlle, Jérôme, Noémie, Rémi, Hélène, Loïc, Anaïs"),
        _names("Lefèvre, Dubois, Çelik, D'Aubigné, Gauthier, Béranger, Lemaître, Moreau, Fournié, Roussel"),
    ),
    Culture(
        "es-MX",
        _names("José, María, Ángel, Lucía, Íñigo, Sofía, Andrés, Ximena, Raúl, Concepción, Héctor"),
        _names("García Márquez, Núñez, Peña, Hernández, Ibáñez, Muñoz, Zúñiga, López, Ordóñez, Cárdenas"),
    ),
    Culture(
        "pt-BR",
        _names("João, Conceição, Antônio, Luísa, Tomás, Inês, Vinícius, Letícia, César, Bárbara"),
        _names("Gonçalves, da Conceição, Araújo, Simões, Brandão, Falcão, Magalhães, Vilaça, dos Santos"),
    ),
    Culture(
        "it-IT",
        _names("Niccolò, Giulia, Matteo, Chiara, Lorenzo, Ilaria, Davide, Noemi, Andrea, Elisabetta"),
        _names("D'Angelo, Lo Cicero, Ferrari, De Nicolò, Bianchi, Rinaldi, Colò, Esposito, Marchetti"),
    ),
    Culture(
        "pl-PL",
        _names("Łukasz, Małgorzata, Stanisław, Jadwiga, Paweł, Żaneta, Michał, Bożena, Sławomir, Agnieszka"),
        _names("Wójcik, Kowalczyk, Dąbrowska, Świątek, Żółkiewski, Gałązka, Łapiński, Krzyżanowska, Piątek"),
    ),
    Culture(
        "cs-CZ",
        _names("Jiří, Růžena, Ondřej, Zdeňka, Tomáš, Kateřina, Václav, Šárka, Lukáš, Markéta"),
        _names("Dvořák, Němcová, Říha, Šťastný, Žižka, Čapek, Hájková, Kučera, Vaněk, Přibyl"),
    ),
    Culture(
        "sv-SE",
        _names("Åsa, Göran, Märta, Björn, Astrid, Håkan, Maj-Britt, Östen, Linnéa, Sören"),
        _names("Sjöberg, Åkesson, Lindström, Öberg, Ångström, Nyström, Hägglund, Bergqvist, Löfgren"),
    ),
    Culture(
        "is-IS",
        _names("Þóra, Guðmundur, Sigríður, Ævar, Ásdís, Björk, Hallgrímur, Þorsteinn, Jón, Steinunn"),
        _names("Jónsdóttir, Guðmundsson, Þorláksson, Ágústsdóttir, Sigurðardóttir, Æsuson, Björnsson"),
    ),
    Culture(
        "hu-HU",
        _names("Zsófia, Lőrinc, Ágnes, György, Tünde, Béla, Ödön, Réka, Szilárd, Gyöngyi"),
        _names("Nagy, Kovács, Szőke, Tóth, Fülöp, Győri, Vörösmarty, Pető, Szűcs, Bíró"),
        family_first=True,
    ),
    Culture(
        "tr-TR",
        _names("Ayşe, İbrahim, Çağla, Gökhan, Şule, Oğuz, Işıl, Ümit, Elif, Yiğit"),
        _names("Yılmaz, Öztürk, Şahin, Doğan, Çetinkaya, Güneş, Işık, Kılıç, Aydın, Üstün"),
    ),
    Culture(
        "vi-VN",
        _names("Thị Hương, Quốc Bảo, Minh Đức, Thùy Linh, Văn Hải, Ngọc Ánh, Xuân Trường, Bích Ngọc"),
        _names("Nguyễn, Trần, Lê, Phạm, Hoàng, Đặng, Vũ, Bùi"),
        family_first=True,
    ),
    Culture(
        "yo-NG",
        _names("Adébáyọ̀, Ọláyínká, Fúnmiláyọ̀, Olúwaṣeun, Yétúndé, Káyọ̀dé, Títílayọ̀, Babátúndé"),
        _names("Adéyẹmí, Ọbásanjọ́, Ṣóyínká, Akínwándé, Ògúnlẹ́yẹ, Bánkọ́lé, Fálọlá"),
    ),
    Culture(
        "el-GR",
        _names("Αικατερίνη|Aikaterini, Γιώργος|Giorgos, Ελένη|Eleni, Κωνσταντίνος|Konstantinos, Ζωή|Zoi"),
        _names("Παπαδόπουλος|Papadopoulos, Αγγέλου|Angelou, Νικολάου|Nikolaou, Ζαχαρίας|Zacharias"),
    ),
    Culture(
        "uk-UA",
        _names("Олександр|Oleksandr, Юлія|Yuliia, Тарас|Taras, Оксана|Oksana, Ірина|Iryna, Богдан|Bohdan"),
        _names(
            "Шевченко|Shevchenko, Ковальчук|Kovalchuk, Їжакевич|Yizhakevych, Бондар|Bondar, Лисенко|Lysenko"
        ),
    ),
    Culture(
        "ar-EG",
        _names("محمد|Mohamed, فاطمة|Fatma, يوسف|Youssef, ليلى|Laila, أحمد|Ahmed, نور|Nour, خديجة|Khadija"),
        _names("عبد الرحمن|Abdelrahman, حسن|Hassan, المصري|Elmasry, صالح|Saleh, منصور|Mansour"),
    ),
    Culture(
        "he-IL",
        _names("נועה|Noa, דוד|David, תמר|Tamar, איתן|Eitan, שירה|Shira, יונתן|Yonatan"),
        _names("כהן|Cohen, לוי|Levi, מזרחי|Mizrahi, פרידמן|Friedman, ברק|Barak"),
    ),
    Culture(
        "hi-IN",
        _names("प्रिया|Priya, अर्जुन|Arjun, अनन्या|Ananya, विक्रम|Vikram, दीपिका|Deepika, रोहन|Rohan, मीरा|Meera"),
        _names("शर्मा|Sharma, पटेल|Patel, अय्यर|Iyer, गुप्ता|Gupta, रेड्डी|Reddy, चटर्जी|Chatterjee"),
    ),
    Culture(
        "th-TH",
        _names("สมชาย|Somchai, พิมพ์ชนก|Pimchanok, อนันต์|Anan, ศิริพร|Siriporn, ณัฐวุฒิ|Nattawut"),
        _names("ศรีสุวรรณ|Srisuwan, วงศ์สวัสดิ์|Wongsawat, ทองดี|Thongdee, แสงทอง|Saengthong"),
    ),
    Culture(
        "zh-CN",
        _names(
            "伟|Wei, 秀英|Xiuying, 子涵|Zihan, 建国|Jianguo, 雨桐|Yutong, 思远|Siyuan, 静|Jing, 浩然|Haoran"
        ),
        _names("王|Wang, 李|Li, 张|Zhang, 欧阳|Ouyang, 陈|Chen, 赵|Zhao, 诸葛|Zhuge, 吴|Wu"),
        family_first=True,
        joint="",
    ),
    Culture(
        "ja-JP",
        _names("陽菜|Hina, 健太|Kenta, 美咲|Misaki, 大輔|Daisuke, さくら|Sakura, 翔太|Shota, 直美|Naomi"),
        _names("佐藤|Sato, 鈴木|Suzuki, 渡邉|Watanabe, 髙橋|Takahashi, 小林|Kobayashi, 齋藤|Saito"),
        family_first=True,
    ),
    Culture(
        "ko-KR",
        _names("서연|Seoyeon, 민준|Minjun, 지우|Jiwoo, 하은|Haeun, 도윤|Doyun, 수빈|Subin, 현우|Hyunwoo"),
        _names("김|Kim, 이|Lee, 박|Park, 최|Choi, 정|Jung, 남궁|Namgung"),
        family_first=True,
        joint="",
    ),
)

PLACES: Final = (
    Place(
        "San Francisco", "CA", "US", "America/Los_Angeles", "+1-415-555", "941##",
        ("Harrison Street", "Townsend Street", "Bryant Street"),
        ("en-US", "es-MX", "zh-CN", "hi-IN", "vi-VN"),
    ),
    Place(
        "Berlin", "BE", "DE", "Europe/Berlin", "+49-30-555", "10###",
        ("Köpenicker Straße", "Schönhauser Allee", "Müllerstraße"),
        ("de-DE", "tr-TR", "pl-PL", "el-GR", "uk-UA"),
    ),
    Place(
        "Dublin", "D", "IE", "Europe/Dublin", "+353-1-555", "D02 X###",
        ("Grand Canal Quay", "Sráid Mhór", "Leeson Street"),
        ("en-IE", "pt-BR", "it-IT", "fr-FR", "yo-NG"),
    ),
    Place(
        "Kraków", "MA", "PL", "Europe/Warsaw", "+48-12-555", "31-###",
        ("ulica Długa", "ulica Świętego Tomasza", "aleja Słowackiego"),
        ("pl-PL", "cs-CZ", "hu-HU", "uk-UA"),
    ),
    Place(
        "Göteborg", "O", "SE", "Europe/Stockholm", "+46-31-555", "411 ##",
        ("Östra Hamngatan", "Första Långgatan", "Södra Vägen"),
        ("sv-SE", "is-IS", "ar-EG"),
    ),
    Place(
        "São Paulo", "SP", "BR", "America/Sao_Paulo", "+55-11-5555", "013##-000",
        ("Avenida São João", "Rua da Consolação", "Alameda Itú"),
        ("pt-BR", "ja-JP", "it-IT", "es-MX"),
    ),
    Place(
        "東京", "東京都", "JP", "Asia/Tokyo", "+81-3-5555", "150-00##",
        ("渋谷区神南1丁目", "港区六本木6丁目", "千代田区丸の内2丁目"),
        ("ja-JP", "ko-KR", "zh-CN", "en-US"),
    ),
    Place(
        "Bengaluru", "KA", "IN", "Asia/Kolkata", "+91-80-5555", "5600##",
        ("Mahatma Gandhi Road", "Outer Ring Road", "Residency Road"),
        ("hi-IN", "th-TH", "he-IL"),
    ),
)  # fmt: skip

DEPARTMENTS: Final = (
    Department(
        "Engineering", 34, "Chief Technology Officer", "Engineering Manager",
        ("Software Engineer", "Senior Software Engineer", "Site Reliability Engineer", "Staff Engineer"),
    ),
    Department(
        "Sales", 18, "Chief Revenue Officer", "Regional Sales Manager",
        ("Account Executive", "Sales Development Representative", "Solutions Engineer"),
    ),
    Department(
        "Operations", 12, "Chief Operating Officer", "Operations Manager",
        ("Operations Analyst", "Logistics Coordinator", "Facilities Specialist"),
    ),
    Department(
        "Customer Support", 12, "Vice President, Support", "Support Team Lead",
        ("Support Engineer", "Support Specialist", "Technical Writer"),
    ),
    Department(
        "Marketing", 8, "Chief Marketing Officer", "Marketing Manager",
        ("Content Strategist", "Event Manager", "Brand Designer"),
    ),
    Department(
        "Product", 7, "Chief Product Officer", "Group Product Manager",
        ("Product Manager", "Product Designer", "User Researcher"),
    ),
    Department(
        "Finance", 5, "Chief Financial Officer", "Finance Manager",
        ("Accountant", "Financial Analyst", "Payroll Specialist"),
    ),
    Department(
        "People", 3, "Chief People Officer", "People Partner Lead",
        ("Recruiter", "People Partner", "Learning Specialist"),
    ),
    Department(
        "Security", 3, "Chief Information Security Officer", "Security Manager",
        ("Security Engineer", "Compliance Analyst", "Identity Engineer"),
    ),
    Department(
        "Legal", 2, "General Counsel", "Legal Manager",
        ("Counsel", "Paralegal", "Privacy Officer"),
    ),
)  # fmt: skip

PROJECTS: Final = _names(
    "Aurora, Basalt, Cinnabar, Driftwood, Ember, Fjörd, Gânache, Heron, Ibex, Juniper, Kestrel, Lichen,"
    "Mistral, Nimbus, Obsidian, Piñata, Quartz, Rookery, Saffron, Tundra, Umbra, Vesper, Wisteria, Zephyr"
)
