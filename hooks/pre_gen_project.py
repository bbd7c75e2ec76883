"""Judges the answers before anything is written. A wrong one ends the generation with what is wrong, why, and what to
type instead; cookiecutter then removes the folder it had made.

Standard library only, no network: this also runs on every template update.
"""

import json
import keyword
import os
import re
import sys
import unicodedata
from datetime import date

SLUG = re.compile(r"[a-z_][a-z0-9_]*")
HANDLE = re.compile(r"@[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9][A-Za-z0-9-]*)+")
SAMPLE_YEARS = range(2022, 2100)
DAY = re.compile(r"(202[2-9]|20[3-9]\d)-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])")
EXAMPLES = {
    "owner_team": (HANDLE, "@org/team"),
    "owner_email": (EMAIL, "data@example.com"),
    "sample_until": (DAY, str(date.today())),
}
FREE_TEXT = {"project_name": 80, "description": 200}  # longest, in characters
SLUG_LENGTH = 50

# Names that dbt, a package in the project, a folder of it or DuckDB already uses.
OWNED = {
    *"analyses analysis ci dataops dbt dbt_packages dbt_project dbt_utils default dev docs duckdb elementary".split(),
    *"customers orders products daily_revenue".split(),  # models of the sample
    *"information_schema intermediate logs macros main marts memory models monitoring orchestration scripts".split(),
    *"packages pg_catalog prod raw seeds selectors snapshots staging system target temp tests warehouse".split(),
}
# Reserved words of SQL in at least one of DuckDB, Postgres, Spark and the cloud warehouses.
SQL = set(
    "all alter analyse analyze and any array as asc asymmetric authorization between both by case cast check collate "
    "column commit connect constraint create cross current current_date current_time current_timestamp current_user "
    "database deferrable delete desc describe distinct do drop else end except execute exists explain false fetch "
    "filter following for foreign from full function grant group grouping having if ilike in index initially inner "
    "insert intersect interval into is join key lateral leading left like limit localtime localtimestamp merge minus "
    "natural no not null offset on only option or order outer over overlaps partition pivot placing preceding primary "
    "procedure qualify range recursive references returning revoke right role rollback row rows schema select "
    "session_user set show similar some start summarize symmetric table tablesample then to trailing trigger true "
    "truncate union unique unnest unpivot update user using values variadic view when where window with".split()
)


def suggest_slug(text):
    """The nearest valid slug.

    >>> suggest_slug("Épicerie du coin!")
    'epicerie_du_coin'
    >>> suggest_slug("24 hours")
    'shop_24_hours'
    >>> suggest_slug("select"), suggest_slug("日本")
    ('select_shop', 'corner_shop')
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", ascii_text).strip("_")[: SLUG_LENGTH - 5].strip("_")
    if not slug:
        return "corner_shop"
    if slug[0].isdigit():
        return "shop_" + slug
    return slug + "_shop" if slug_owner(slug) else slug


def slug_owner(slug):
    """Who else uses a name, or None.

    >>> slug_owner("dbt_utils"), slug_owner("select"), slug_owner("lambda"), slug_owner("corner_shop")
    ('dbt or a part of the project', 'SQL', 'Python', None)
    """
    if slug in OWNED:
        return "dbt or a part of the project"
    if slug in SQL:
        return "SQL"
    if keyword.iskeyword(slug) or keyword.issoftkeyword(slug):
        return "Python"
    return None


def bad_character(text, free):
    """What a file of the project could not hold, in words, or None.

    Backslashes and braces are refused everywhere: they would start an escape or a Jinja expression.

    >>> bad_character("Bob's 24h shop: 100% #1 😀", free=True)
    >>> bad_character("a{b", free=True), bad_character("a;b", free=False), bad_character("a\\nb", free=True)
    ("'{'", "';'", 'the character U+000A')
    """
    for character in text:
        code = ord(character)
        invisible = unicodedata.category(character) in {"Cc", "Zl", "Zp", "Cs"} or code in {0xFEFF, 0xFFFE, 0xFFFF}
        turns_text_around = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
        if invisible or turns_text_around:
            return f"the character U+{code:04X}"
        if character in "\\{}" or (not free and character in "\"'`$&|;<>()*?![]#~^=, \t"):
            return repr(character)
    return None


def problem(answers):
    """What is wrong with the answers, why, and what to type instead: one line, or None.

    >>> good = {"project_name": "Shop", "project_slug": "my_shop", "description": "What we sell.",
    ...         "owner_team": "@org/data", "owner_email": "data@example.com", "sample_until": "2026-01-31",
    ...         "monitoring": "none", "alerts": "none"}
    >>> problem(good)
    >>> problem(good | {"project_slug": "my-shop"})
    "project_slug 'my-shop' is not a name that dbt, Python and SQL all take: use lower-case letters, digits and _, not starting with a digit. Try: my_shop"
    """
    for name in (*FREE_TEXT, "owner_team", "owner_email", "sample_until"):
        free = name in FREE_TEXT
        found = bad_character(answers[name], free)
        if found:
            rest = "".join(character for character in answers[name] if not bad_character(character, free)).strip()
            pattern, default = EXAMPLES.get(name, (None, "Corner Shop"))
            suggestion = rest if rest and (free or pattern.fullmatch(rest)) else default
            return f"{name} holds {found}: it would break the files it is written to. Try: {suggestion}"
    for name, longest in FREE_TEXT.items():
        text = answers[name]
        if not text.strip():
            return f"{name} is empty: the README and the docs page start with it. Try: Corner Shop"
        if text != text.strip():
            return f"{name} {text!r} starts or ends with a space, which would be lost. Try: {text.strip()}"
        if len(text) > longest:
            return f"{name} is {len(text)} characters long; titles hold {longest}. Try: {text[: longest // 2].strip()}"

    slug = answers["project_slug"]
    if not SLUG.fullmatch(slug):
        why = "use lower-case letters, digits and _, not starting with a digit"
        return (
            f"project_slug {slug!r} is not a name that dbt, Python and SQL all take: {why}. Try: {suggest_slug(slug)}"
        )
    if len(slug) > SLUG_LENGTH:
        return (
            f"project_slug has {len(slug)} characters: with a schema in front it would exceed what warehouses take,"
            f" so {SLUG_LENGTH} is the limit. Try: {slug[:SLUG_LENGTH].strip('_')}"
        )
    if not slug.strip("_"):
        return f"project_slug {slug!r} has no letter or digit: nobody could read it. Try: corner_shop"
    owner = slug_owner(slug)
    if owner:
        return f"project_slug {slug!r} already means something to {owner}. Try: {suggest_slug(slug)}"

    team, email = answers["owner_team"], answers["owner_email"]
    if not HANDLE.fullmatch(team):
        words = re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", team) or ["org", "team"]
        why = "CODEOWNERS takes @user, @org/team or @group/subgroup"
        return f"owner_team {team!r} is not a handle: {why}. Try: @{'/'.join(words)}"
    if not EMAIL.fullmatch(email):
        words = re.findall(r"[A-Za-z0-9]+", email) or ["data"]
        return f"owner_email {email!r} is not an e-mail address: alerts are sent to it. Try: {words[0]}@example.com"

    if answers["alerts"] != "none" and answers["monitoring"] == "none":
        return f"alerts {answers['alerts']!r} needs monitoring, which finds what to alert. Try: monitoring=elementary"

    until = answers["sample_until"]
    try:
        day = date.fromisoformat(until) if len(until) == 10 else None
    except ValueError:
        day = None
    if day is None or day.year not in SAMPLE_YEARS:
        years = f"{SAMPLE_YEARS.start} to {SAMPLE_YEARS.stop - 1}"
        return f"sample_until {until!r} is not a day of the years {years}: sample data ends there. Try: {date.today()}"
    return None


def main(answers):
    if os.listdir():
        sys.exit(f"The folder {os.path.basename(os.getcwd())} exists and is not empty; nothing in it was changed.")
    found = problem(answers)
    if found:
        sys.exit(found)


if __name__ == "__main__":
    # tojson escapes quotes and every non-ASCII character, so no answer can end this string.
    main(json.loads(r"""{{ cookiecutter | tojson }}"""))
