"""Words that a made-up department uses, in English, Russian and Vietnamese."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "ru", "vi")


@dataclass(frozen=True, slots=True)
class Words:
    """The names of one language; of each list a seed takes as many as it needs."""

    company: tuple[str, ...]
    currency: str
    foreign: str
    time_zone: str
    holidays: tuple[str, ...]  # month and day
    teams: tuple[str, ...]
    places: tuple[str, ...]
    sources: tuple[str, ...]  # leads; then outbound, then orders of customers
    outbound: str
    existing: str
    segments: tuple[str, str, str]  # from small to large
    products: tuple[str, ...]
    stages: tuple[str, ...]  # six; a shorter ladder leaves some out
    won: str
    lost: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    trades: tuple[str, ...]
    reasons: tuple[str, ...]  # the last is "other"
    delivery: tuple[str, ...]  # reasons that others inside the company cause
    drops: tuple[str, ...]
    is_family_first: bool
    money: float  # so many units of the currency make one of the model


ENGLISH = Words(
    company=("Harbour Supplies", "Redwood Systems", "Alder & Finch", "Bright Line Trading"),
    currency="EUR",
    foreign="USD",
    time_zone="Europe/Dublin",
    holidays=("01-01", "05-01", "08-15", "12-25", "12-26"),
    teams=("North", "South", "East", "West", "Central", "Coast", "Lakes", "Highland", "Valley",
           "Metro", "Harbour", "Border"),
    places=("Ashford", "Brackley", "Corwen", "Dunmore", "Elmstead", "Farnham", "Girvan", "Hexham",
            "Ilkley", "Kelso", "Ludlow", "Morpeth", "Newry", "Oakham", "Penrith", "Ripon"),
    sources=("Website", "Partner", "Trade fair", "Webinar", "Referral", "Paid search",
             "Mailing", "Marketplace"),
    outbound="Cold call",
    existing="Repeat order",
    segments=("Small business", "Mid-market", "Enterprise"),
    products=("Scanner", "Terminal", "Sensor kit", "Label printer", "Gateway", "Controller",
              "Display", "Tracker"),
    stages=("New", "Needs", "Demo", "Proposal", "Negotiation", "Contract"),
    won="Won",
    lost="Lost",
    given=("Alice", "Brian", "Clara", "Derek", "Erin", "Felix", "Grace", "Hugo", "Iris", "Jonas",
           "Karen", "Liam", "Mona", "Niall", "Olive", "Peter", "Quinn", "Rosa", "Simon", "Tess"),
    family=("Abbott", "Byrne", "Carver", "Doyle", "Eastwood", "Fenn", "Garrick", "Hale", "Ingram",
            "Jarvis", "Kemp", "Larkin", "Mercer", "Nolan", "Orwin", "Pike", "Reeve", "Sutton",
            "Tully", "Usher", "Vance", "Whelan"),
    trades=("Foods", "Logistics", "Dental", "Textiles", "Marine", "Bakery", "Motors", "Energy",
            "Media", "Tools", "Clinics", "Farms"),
    reasons=("Price", "Competitor", "No budget", "No need", "Postponed", "Other"),
    delivery=("Out of stock", "Delivery time", "Service", "Not on the price list"),
    drops=("No need", "No budget", "Wrong contact", "Spam"),
    is_family_first=False,
    money=1.0,
)  # fmt: skip

RUSSIAN = Words(
    company=("Северный склад", "Вектор Плюс", "Техноснаб", "Городские системы"),
    currency="RUB",
    foreign="USD",
    time_zone="Europe/Moscow",
    holidays=("01-01", "01-02", "01-03", "01-04", "01-05", "01-06", "01-07", "01-08", "02-23",
              "03-08", "05-01", "05-09", "06-12", "11-04"),
    teams=("Север", "Юг", "Восток", "Запад", "Центр", "Волга", "Урал", "Сибирь", "Кавказ",
           "Балтика", "Алтай", "Приморье"),
    places=("Тверь", "Казань", "Пермь", "Омск", "Самара", "Томск", "Рязань", "Вологда", "Калуга",
            "Курск", "Ижевск", "Тула", "Саратов", "Псков", "Уфа", "Орёл"),
    sources=("Сайт", "Партнёры", "Выставка", "Вебинар", "Рекомендация", "Контекстная реклама",
             "Рассылка", "Маркетплейс"),
    outbound="Холодный звонок",
    existing="Повторная продажа",
    segments=("Малый бизнес", "Средний бизнес", "Крупные клиенты"),
    products=("Сканер", "Терминал", "Датчики", "Принтер этикеток", "Шлюз", "Контроллер", "Экран",
              "Трекер"),
    stages=("Новая", "Потребность", "Показ", "Предложение", "Переговоры", "Договор"),
    won="Успешно",
    lost="Отказ",
    given=("Анна", "Борис", "Вера", "Глеб", "Дарья", "Егор", "Жанна", "Иван", "Ирина", "Кирилл",
           "Лидия", "Максим", "Нина", "Олег", "Полина", "Роман", "Софья", "Тимур", "Ульяна",
           "Фёдор"),
    family=("Абрамович", "Беляк", "Войтенко", "Гончар", "Дорош", "Ермак", "Жук", "Зима", "Ильюк",
            "Ковалько", "Лисовец", "Мороз", "Нагорных", "Остапчук", "Пасько", "Руденко",
            "Савченко", "Тарасюк", "Усик", "Фоменко", "Цой", "Шевчук"),
    trades=("Продукт", "Логистика", "Стоматология", "Текстиль", "Флот", "Пекарня", "Моторс",
            "Энерго", "Медиа", "Инструмент", "Клиника", "Агро"),
    reasons=("Дорого", "Выбрали конкурента", "Нет бюджета", "Нет потребности", "Отложили",
             "Другое"),
    delivery=("Нет на складе", "Срок поставки", "Сервис", "Нет в прайс-листе"),
    drops=("Нет потребности", "Нет бюджета", "Не тот контакт", "Спам"),
    is_family_first=False,
    money=90.0,
)  # fmt: skip

VIETNAMESE = Words(
    company=("Công ty Sao Bắc", "Thiết bị Hòa Phú", "Giải pháp Minh An", "Thương mại Đông Á"),
    currency="VND",
    foreign="USD",
    time_zone="Asia/Ho_Chi_Minh",
    holidays=("01-01", "02-01", "02-02", "02-03", "02-04", "04-30", "05-01", "09-02"),
    teams=("Miền Bắc", "Miền Nam", "Miền Trung", "Tây Nguyên", "Duyên hải", "Đồng bằng", "Thủ đô",
           "Cửu Long", "Đông Bắc", "Tây Bắc", "Đông Nam", "Hải đảo"),
    places=("Hà Nội", "Đà Nẵng", "Huế", "Cần Thơ", "Hải Phòng", "Nha Trang", "Vinh", "Đà Lạt",
            "Biên Hòa", "Quy Nhơn", "Pleiku", "Mỹ Tho", "Hạ Long", "Nam Định", "Lào Cai",
            "Vũng Tàu"),
    sources=("Trang web", "Đối tác", "Hội chợ", "Hội thảo", "Giới thiệu", "Quảng cáo",
             "Thư điện tử", "Sàn thương mại"),
    outbound="Gọi điện mới",
    existing="Mua lại",
    segments=("Doanh nghiệp nhỏ", "Doanh nghiệp vừa", "Doanh nghiệp lớn"),
    products=("Máy quét", "Máy bán hàng", "Cảm biến", "Máy in nhãn", "Cổng kết nối",
              "Bộ điều khiển", "Màn hình", "Định vị"),
    stages=("Mới", "Nhu cầu", "Giới thiệu", "Báo giá", "Đàm phán", "Hợp đồng"),
    won="Thành công",
    lost="Thất bại",
    given=("An", "Bình", "Chi", "Dũng", "Giang", "Hà", "Hùng", "Khánh", "Lan", "Long", "Mai",
           "Minh", "Nga", "Phong", "Quân", "Sơn", "Thảo", "Tuấn", "Vân", "Yến"),
    family=("Bùi Văn", "Cao Thị", "Đặng Quốc", "Đinh Thu", "Đỗ Anh", "Dương Thanh", "Hồ Ngọc",
            "Hoàng Gia", "Huỳnh Kim", "Lê Hồng", "Lý Hải", "Mai Xuân", "Ngô Đức", "Phạm Bảo",
            "Phan Hữu", "Tạ Minh", "Trần Khắc", "Trịnh Công", "Trương Mỹ", "Võ Thành", "Vũ Hoài",
            "Vương Tuệ"),
    trades=("Thực phẩm", "Vận tải", "Nha khoa", "Dệt may", "Hàng hải", "Bánh ngọt", "Ô tô",
            "Năng lượng", "Truyền thông", "Dụng cụ", "Phòng khám", "Nông sản"),
    reasons=("Giá cao", "Chọn đối thủ", "Không có ngân sách", "Không có nhu cầu", "Hoãn lại",
             "Khác"),
    delivery=("Hết hàng", "Giao chậm", "Dịch vụ", "Không có trong bảng giá"),
    drops=("Không có nhu cầu", "Không có ngân sách", "Sai liên hệ", "Rác"),
    is_family_first=True,
    money=26_000.0,
)  # fmt: skip

WORDS = {"en": ENGLISH, "ru": RUSSIAN, "vi": VIETNAMESE}
# which of the six stages a ladder of that length has
LADDERS = {4: (0, 2, 3, 4), 5: (0, 1, 2, 3, 4), 6: (0, 1, 2, 3, 4, 5)}
