import re
import subprocess
import sys
import tomllib
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from salesdiag.errors import InputError
from salesdiag.intake import headings
from salesdiag.intake.headings import count_known, guess, known, normalise, status_of, values
from salesdiag.schema import ACTIVITY_TYPES, STATUSES, TABLES

PRESETS = sorted((Path(headings.__file__).parent / "presets").glob("*.toml"))
EVIDENCE = {"seen", "used", "recalled", "common"}
PRIVATE = re.compile(
    r"phone|mobile|fax|e ?mail|\bnotes?$|contact name|birth|passport"
    r"|телефон|почта|примечани|заметк|имя контакта|паспорт|điện thoại|ghi chú|người liên hệ"
)

HUBSPOT = ["Record ID", "Deal Name", "Deal Stage", "Pipeline", "Amount", "Create Date"]
HUBSPOT += ["Close Date", "Deal owner", "Closed Lost Reason", "Associated Company", "Phone Number"]
BITRIX24 = ["ID", "Воронка", "Стадия сделки", "Название сделки", "Сумма", "Валюта"]
BITRIX24 += ["Ответственный", "Компания", "Дата создания", "Предполагаемая дата закрытия"]
BITRIX24 += ["Источник", "Группа стадий", "Рабочий телефон", ""]


def columns_of(found):
    return {heading: meaning.column for heading, meaning in found.items()}


def systems_of(found):
    return {meaning.system for meaning in found.values()}


def tables_of(preset):
    return {key: part for key, part in preset.items() if key not in ("name", "values")}


@pytest.fixture(params=PRESETS, ids=lambda path: path.stem)
def preset(request):
    return tomllib.loads(request.param.read_text(encoding="utf-8"))


def test_all_systems_are_there():
    assert {path.stem for path in PRESETS} == {
        "amocrm", "bitrix24", "common", "dynamics", "espocrm", "frappe", "getfly", "hubspot",
        "misa", "odoo", "onec", "pipedrive", "salesforce", "zoho",
    }  # fmt: skip


def test_presets_name_only_canonical_columns(preset):
    assert preset["name"]
    for table, parts in tables_of(preset).items():
        assert table in TABLES
        assert set(parts) <= EVIDENCE
        for columns in parts.values():
            assert set(columns) <= set(TABLES[table].names), table


def test_only_the_common_preset_holds_common_words(preset):
    kinds = {kind for parts in tables_of(preset).values() for kind in parts}
    assert ("common" in kinds) == (preset["name"] == "common")


def test_presets_list_each_heading_once_for_a_column(preset):
    for table, parts in tables_of(preset).items():
        listed = Counter(
            (column, normalise(heading))
            for columns in parts.values()
            for column, words in columns.items()
            for heading in words
        )
        assert [key for key, count in listed.items() if count > 1] == [], table


def test_presets_are_short_and_composed(preset):
    text = next(p for p in PRESETS if f'name = "{preset["name"]}"' in p.read_text("utf-8"))
    content = text.read_text(encoding="utf-8")
    assert len(content.splitlines()) < 120
    assert unicodedata.is_normalized("NFC", content)


def test_preset_values_are_allowed(preset):
    kinds = preset.get("values", {})
    assert set(kinds) <= {"status", "activity_type"}
    assert set(kinds.get("status", {})) <= set(STATUSES)
    assert set(kinds.get("activity_type", {})) <= set(ACTIVITY_TYPES)


@pytest.mark.parametrize("kind", ["status", "activity_type"])
def test_no_word_means_two_values(kind):
    meanings = {}
    for path in PRESETS:
        part = tomllib.loads(path.read_text(encoding="utf-8")).get("values", {}).get(kind, {})
        for value, words in part.items():
            for word in words:
                meanings.setdefault(normalise(word), set()).add(value)
    assert {word: found for word, found in meanings.items() if len(found) > 1} == {}


def test_no_heading_is_private():
    assert [heading for heading in known() if PRIVATE.search(heading)] == []
    private = ["Phone Number", "Email", "Рабочий телефон", "Контакт", "Примечание", "Ghi chú"]
    private += ["Contact name", "Deal - Contact person", "Описание", "Điện thoại"]
    assert guess(private) == {}


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Deal Stage", "deal stage"),
        ("  Deal_stage ", "deal stage"),
        ("Deal - Title*", "deal title"),
        ("Deal \u2014 Title *", "deal title"),
        ("\ufeffID", "id"),
        ("«Сделка»", "сделка"),
        ("“Amount”", "amount"),
        ("Счёт", "счет"),
        ("Сче\u0308т", "счет"),
        ("Бюджет ", "бюджет"),
        ("Бюджет ₽", "бюджет"),
        ("Бюджет,\u00a0₽", "бюджет"),
        ("Бюджет₸", "бюджет"),
        ("Сумма, руб.", "сумма"),
        ("Сумма (руб)", "сумма"),
        ("Amount (EUR)", "amount"),
        ("Amount, USD", "amount"),
        ("Số tiền (VNĐ)", "số tiền"),
        ("Số tiền (đồng)", "số tiền"),
        (unicodedata.normalize("NFD", "Số tiền"), "số tiền"),
        # what only looks like a currency
        ("Mã hợp đồng", "mã hợp đồng"),
        ("Probability (%)", "probability (%)"),
        ("USD", "usd"),
        ("₽", "₽"),
        ("Курс евро", "курс евро"),
        # thousands are another unit, so the heading stays another heading
        ("Сумма, тыс. руб.", "сумма, тыс. руб."),
        ("Сумма, тыс. ₽", "сумма, тыс. ₽"),
        ("", ""),
    ],
)
def test_normalise(heading, expected):
    assert normalise(heading) == expected
    assert normalise(expected) == expected


def test_known_holds_the_canonical_names():
    for table in TABLES.values():
        for column in table.names:
            meanings = known()[normalise(column)]
            assert headings.Guess(table.name, column, "salesdiag", 1.0) in meanings


@pytest.mark.parametrize(
    ("heading", "system", "confidence"),
    [
        ("hs_object_id", "HubSpot", 0.95),
        ("Record ID", "HubSpot", 0.9),
        ("Amount in company currency", "HubSpot", 0.6),
        ("Mã đơn", "common", 0.7),
    ],
)
def test_confidence_follows_the_evidence(heading, system, confidence):
    found = {g.confidence for g in known()[normalise(heading)] if g.system == system}
    assert found == {confidence}


def test_count_known_takes_text_only():
    assert count_known(["ID", "Сумма, ₽", "ромашка", None, 5, 2.5, ""]) == 2
    assert count_known([]) == 0


def test_header_stands_out_from_a_wrong_encoding():
    wrong = [heading.encode("cp1251").decode("latin-1") for heading in BITRIX24]
    assert count_known(BITRIX24) == 11
    assert count_known(wrong) == 1  # ID


def test_guess_bitrix24():
    found = guess(BITRIX24)
    assert columns_of(found) == {
        "ID": "deal_id",
        "Воронка": "pipeline",
        "Стадия сделки": "stage",
        "Сумма": "amount",
        "Валюта": "currency",
        "Ответственный": "rep_id",
        "Компания": "account_id",
        "Дата создания": "created_at",
        "Предполагаемая дата закрытия": "expected_close_on",
        "Источник": "source",
        "Группа стадий": "status",
    }
    assert systems_of(found) == {"Bitrix24"}
    assert {meaning.table for meaning in found.values()} == {"deals"}


def test_guess_hubspot():
    found = guess(HUBSPOT)
    assert columns_of(found) == {
        "Record ID": "deal_id",
        "Deal Stage": "stage",
        "Pipeline": "pipeline",
        "Amount": "amount",
        "Create Date": "created_at",
        "Close Date": "closed_at",
        "Deal owner": "rep_id",
        "Closed Lost Reason": "loss_reason",
        "Associated Company": "account_id",
    }
    assert systems_of(found) == {"HubSpot"}


@pytest.mark.parametrize(
    ("row", "system"),
    [
        (["ID", "Этап сделки", "Бюджет, ₽", "Ответственный", "Дата создания"], "amoCRM"),
        (["Deal - ID", "Deal - Value", "Deal - Stage", "Deal - Status"], "Pipedrive"),
        (["(Do Not Modify) Opportunity", "Owner", "Est. Revenue"], "Microsoft Dynamics 365 Sales"),
        (["Opportunity ID", "Opportunity Owner", "Stage", "Close Date", "Amount"], "Salesforce"),
        (["Record Id", "Deal Owner.id", "Stage", "Closing Date", "Created Time"], "Zoho CRM"),
        (["Chủ giao dịch", "Giá trị Deal", "Trạng thái", "Tổ chức"], "Frappe CRM"),
        (["Ref_Key", "Менеджер_Key", "СуммаДокумента", "Дата"], "1C"),
        (["deal_id", "status", "created_at", "stage", "rep_id", "amount"], "salesdiag"),
        (["Mã đơn", "Nhân viên", "Số tiền", "Ngày tạo", "Trạng thái"], "common"),
        (["Сделка", "Менеджер", "Сумма", "Дата создания", "Статус"], "common"),
    ],
)  # fmt: skip
def test_guess_names_the_system(row, system):
    found = guess(row)
    assert list(found) == row
    assert systems_of(found) == {system}
    assert {meaning.table for meaning in found.values()} == {"deals"}


def test_guess_reads_other_tables():
    assert columns_of(guess(["Сотрудник", "Отдел", "Руководитель", "Дата приема"])) == {
        "Сотрудник": "rep_name",
        "Отдел": "team",
        "Руководитель": "manager_id",
        "Дата приема": "hired_on",
    }
    plan = guess(["Менеджер", "Месяц", "План"])
    assert {meaning.table for meaning in plan.values()} == {"targets"}
    assert columns_of(plan) == {"Менеджер": "id", "Месяц": "period_start", "План": "target"}


def test_guess_keeps_to_the_table_given():
    row = ["ID", "Стадия", "Сумма", "Ответственный", "Дата создания"]
    assert columns_of(guess(row, "leads")) == {
        "ID": "lead_id",
        "Стадия": "status",
        "Ответственный": "rep_id",
        "Дата создания": "created_at",
    }


def test_each_column_is_given_once():
    found = guess(["Record ID", "Deal Stage", "hs_object_id", "Deal owner"])
    assert columns_of(found) == {
        "Deal Stage": "stage",
        "hs_object_id": "deal_id",  # better evidence than the label
        "Deal owner": "rep_id",
    }
    twice = guess(["Deal - Won time", "Deal - Lost time", "Deal - ID"])
    assert columns_of(twice) == {"Deal - Won time": "closed_at", "Deal - ID": "deal_id"}


def test_one_close_date_beside_another():
    found = guess([*HUBSPOT, "property_closedate"])
    assert found["property_closedate"].column == "closed_at"
    assert found["Close Date"].column == "expected_close_on"


def test_a_heading_of_another_system_is_a_mere_guess():
    found = guess([*BITRIX24, "Reason For Loss", "Себестоимость"])
    assert (found["Reason For Loss"].system, found["Reason For Loss"].confidence) == (
        "Zoho CRM",
        0.6,
    )
    assert found["Себестоимость"].column == "cost_amount"


def test_a_rare_heading_weighs_more():
    # Bitrix24 knows two of the three, but so do others; only amoCRM says "Этап сделки"
    found = guess(["Сумма", "Валюта", "Этап сделки"])
    assert {h: meaning.system for h, meaning in found.items()} == {
        "Сумма": "common",
        "Валюта": "common",
        "Этап сделки": "amoCRM",
    }


def test_guess_knows_its_limits():
    assert guess([]) == {}
    assert guess(["ромашка", ""]) == {}
    assert guess(["Deal - Value"], "reps") == {}
    with pytest.raises(InputError, match="no table 'deal'"):
        guess(["ID"], "deal")


def test_values():
    assert values("activity_type")[normalise("Phone Call")] == "call"
    assert values("activity_type")["встреча"] == "meeting"
    assert values("activity_type")["tin nhắn"] == "message"
    assert set(values("status").values()) == set(STATUSES)
    assert set(values("activity_type").values()) == set(ACTIVITY_TYPES)
    with pytest.raises(InputError, match="status and activity_type only; got 'stage'"):
        values("stage")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("won", "won"),
        ("Closed Won", "won"),
        ("C4:WON", "won"),
        ("Успешно реализовано", "won"),
        ("Закрыто - Успех", "won"),
        ("Сделка выиграна", "won"),
        ("Оплачена полностью", "won"),
        ("Payment Done", "won"),
        ("142", "won"),
        ("Chốt đơn", "won"),
        ("Đã thắng", "won"),
        # the negative is tested first
        ("Closed Lost", "lost"),
        ("Закрыто и не реализовано", "lost"),
        ("Закрыто, не реализовано", "lost"),
        ("«Закрыто и НЕ реализовано»", "lost"),
        ("Завершено неуспешно", "lost"),
        ("Анализ причины провала", "lost"),
        ("Клиент отказался", "lost"),
        ("Không đạt", "lost"),
        ("Kết thúc không thành công", "lost"),
        ("C4:LOSE", "lost"),
        ("Was won, then lost", "lost"),
        ("Успешно показали, но отказ", "lost"),
        ("Thua thầu", "lost"),
        ("143", "lost"),
        # a negation that decides nothing
        ("Not won yet", None),
        ("Won't decide", None),
        ("Счет не оплачен", None),
        ("Chưa thắng", None),
        ("Не открыта", None),
        ("open", "open"),
        ("Не закрыта", "open"),
        ("В работе у менеджера", "open"),
        ("Đang xử lý", "open"),
        ("Negotiation", None),
        ("Wonderful", None),
        ("Этап 142", None),
        ("", None),
    ],
)
def test_status_of(word, expected):
    assert status_of(word) == expected


def test_nothing_is_read_at_import():
    code = (
        "import salesdiag.intake.headings as h;"
        "raise SystemExit(h._presets.cache_info().currsize + h.known.cache_info().currsize)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
