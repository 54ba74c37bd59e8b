"""The house rules as functions: each takes one file and yields what is wrong in it.

``test_grammar.py`` runs them over the source, and over small bad examples to show that they would
notice.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

MOST_FUNCTION_LINES = 70
# What is so short says itself what it does.
MOST_LINES_WITHOUT_DOCSTRING = 6

# By the files that DESIGN names, the same in every domain; each may grow into a package.
GRAMMAR = {
    "core": "pure",
    "rules": "pure",
    "tables": "tables",
    "store": "store",
    "commands": "commands",
    "queries": "queries",
    "routes": "routes",
    "schemas": "schemas",
    "events": "events",
    "errors": "errors",
    "jobs": "jobs",
}

# What a domain has besides, the kind of file whose rules it keeps, and why it is a file of its own.
EXTRAS = {
    "accounts/devices": ("pure", "what a device is called, from what its browser says"),
    "accounts/letters": ("pure", "the texts of the messages that the accounts send"),
    "accounts/listings": ("queries", "reads of organizations and of the audit log"),
    "accounts/membership": ("pure", "who may do what to whom in an organization"),
    "accounts/passwords": ("runtime", "the bounded queue for hashing, and its processes"),
    "accounts/hashing": ("runtime", "the process that hashes passwords, and its pipes"),
    "accounts/hashes": ("runtime", "makes and checks hashes of passwords, of every kind"),
    "accounts/common_passwords": ("runtime", "what no password may be, with its list"),
    "accounts/second_factor": ("runtime", "authenticator apps and recovery codes"),
    "accounts/one_time": ("runtime", "makes codes, tokens and keys, and hashes them"),
    "accounts/lockout": ("pure", "how delays grow with failures"),
    "accounts/phones": ("pure", "the one form of a phone number"),
    "accounts/oidc": ("runtime", "what a provider is asked, and what is remembered meanwhile"),
    "accounts/tokens": ("runtime", "signs and reads access tokens and challenges"),
    "accounts/authenticator": ("runtime", "keeps for a moment who a token or key stands for"),
    "accounts/parts": ("runtime", "what its commands work with"),
    "accounts/sessions": ("runtime", "refresh tokens, and what one brings about"),
    "media/pictures": ("runtime", "the process that reads pictures, which anybody may have made"),
    "media/workshop": ("runtime", "has pictures read and made in processes, few at a time"),
    "media/storage": ("runtime", "what is asked of the place where pictures lie"),
    "media/parts": ("runtime", "what its commands and jobs work with"),
    "venues/seatmap": ("pure", "the immutable seat map that finds seats by name"),
    "venues/labels": ("pure", "all spellings of a seat's label"),
    "venues/layout": ("pure", "a hall's layout as it is written and stored"),
    "venues/building": ("pure", "from a layout to a seat map"),
    "venues/exchange": ("pure", "seat maps in the formats of other systems"),
    "venues/svg": ("pure", "seat maps as pictures"),
    "venues/neighbours": ("pure", "who sits beside whom"),
    "venues/templates": ("pure", "layouts of halls as most are"),
    "venues/filters": ("pure", "who sees which venues, and what a list of them is asked for"),
    "catalog/drafts": ("pure", "what an organizer wants, before it is checked"),
    "catalog/planning": ("pure", "checks drafts and works out what follows"),
    "catalog/publishing": ("pure", "what an event lacks before it can be sold"),
    "catalog/filters": ("pure", "what a list is asked for"),
    "catalog/parameters": ("schemas", "the query parameters that its lists share"),
    "catalog/csv_import": ("pure", "the tables that are imported, and what is said of each line"),
    "catalog/scheduling": ("pure", "from a rule to showtimes, and what overlaps"),
    "catalog/ical": ("pure", "calendars as programs for calendars read them"),
    "catalog/favorites": ("commands", "a person's favourite events, marked and listed"),
    "bookings/sequencer": ("runtime", "group commit: the queue and its loop"),
    "bookings/batch": ("runtime", "one transaction of the sequencer"),
    "bookings/terms": ("runtime", "keeps the terms of sale between batches"),
    "bookings/seat_states": ("runtime", "keeps finished answers about seats, made once for all"),
    "bookings/direct": ("runtime", "the reservation past the framework"),
    "bookings/best_seats": ("runtime", "proposes seats from what the process knows by heart"),
    "bookings/calling_off": ("commands", "cancels events and showtimes with all that was booked"),
    "bookings/deleting": ("commands", "deletes events and showtimes that nobody ever booked"),
    "bookings/moving": ("commands", "moves what was sold to another seat map"),
    "bookings/closing": ("commands", "the end of an organization, and of what it sells"),
    "bookings/personal": ("commands", "all that is one person's: given out, and deleted"),
    "bookings/audit": ("queries", "checks every invariant in the database"),
}

# Modules that reach other machines, or build the clients that do.
NETWORK = [
    "aiohttp",
    "aiosmtplib",
    "asyncssh",
    "authlib",
    "boto3",
    "ftplib",
    "grpc",
    "http.client",
    "http.server",
    "httpx",
    "httpx2",
    "imaplib",
    "obstore",
    "poplib",
    "redis",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "urllib.request",
    "urllib3",
    "valkey",
    "websockets",
    "fullhouse.adapters",
]

# Who below the adapters reaches out all the same, and why.
NETWORK_BELOW = {("kit/valkey.py", "valkey"): "a help that no decision needs, as the database is"}

# What decisions may not know: other machines, the database, the framework, time and chance.
IMPURE = [
    "asyncio",
    "asyncpg",
    "fullhouse.kit.clock",
    "fullhouse.kit.db",
    "fullhouse.kit.ids",
    "fullhouse.kit.outbox",
    "litestar",
    "os",
    "pathlib",
    "random",
    "secrets",
    "sqlalchemy",
    "structlog",
    "subprocess",
    "threading",
    "time",
]

_TRANSACTIONS = ("AsyncConnection", "RawConnection", "Connection", "AsyncSession")
_TRANSACTION_NAMES = ("connection", "transaction", "session")
_OPENING = ("begin", "connect_raw")

# Tables that only the selling core changes, and what the catalogue may do to them.
SOLD = ["allotments", "booking_lines", "bookings", "inventories", "seat_claims", "waitlist_entries"]
CATALOGUE_MAY = {
    ("insert", "inventories"): "a new showtime",
    ("insert", "allotments"): "a new showtime, or a new category at those to come",
    ("update", "inventories"): "the revision, when the terms of sale change",
    ("update", "allotments"): "the capacity, when nobody has a place of the category",
}

_STATEMENT = re.compile(
    r"\s*(WITH\s+\w+\s+AS\b|SELECT\b|INSERT\s+INTO\b|UPDATE\s+(\w+|$)|DELETE\s+FROM\b|MERGE\s+INTO\b)"
)
_WRITING = re.compile(
    r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE)\s+(?:ONLY\s+)?\"?(\w+)", re.I
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A Python file; ``path`` is relative to the folder of the package."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> list[Function]:
        return [
            node for node in self.nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]

    @cached_property
    def kind(self) -> str | None:
        """What sort of file of a domain it is; None outside the domains."""
        domain, _, rest = self.path.removesuffix(".py").partition("/")
        name = rest.partition("/")[0]
        if domain not in DOMAINS or name == "__init__":
            return None
        return GRAMMAR.get(name) or EXTRAS.get(f"{domain}/{name}", (None,))[0]

    @cached_property
    def imports(self) -> list[tuple[str, str, int]]:
        """Every imported name, wherever in the file: the name, where it comes from, the line."""
        found: list[tuple[str, str, int]] = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    found.append((name, alias.name, node.lineno))
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    origin = f"{node.module}.{alias.name}"
                    found.append((alias.asname or alias.name, origin, node.lineno))
        return found

    def imported_from(self, modules: list[str]) -> Iterator[tuple[str, int]]:
        """Origin and line of whatever is imported from one of these modules or below them."""
        for _, origin, line in self.imports:
            if _is_below(origin, modules):
                yield origin, line

    @cached_property
    def texts(self) -> list[tuple[str, int]]:
        """Every string that is no docstring, with its line."""
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        docstrings = {
            id(node.body[0].value)
            for node in self.nodes
            if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
        }
        return [
            (node.value, node.lineno)
            for node in self.nodes
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ]


DOMAINS = ("accounts", "media", "venues", "catalog", "bookings")


def _is_below(origin: str, modules: list[str]) -> bool:
    return any(origin == module or origin.startswith(f"{module}.") for module in modules)


def long_functions(source: Source) -> Iterator[str]:
    """Functions of at most seventy lines."""
    for function in source.functions:
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > MOST_FUNCTION_LINES:
            yield f"{source.path}:{function.lineno}: {function.name} has {length} lines"


def long_modules(source: Source, most: int) -> Iterator[str]:
    """Modules of at most so many lines."""
    length = len(source.text.splitlines())
    if length > most:
        yield f"{source.path}:1: {length} lines are more than {most}"


def unknown_files(source: Source) -> Iterator[str]:
    """In a domain, only the files that every domain has, and those that are listed."""
    domain, _, rest = source.path.partition("/")
    if domain in DOMAINS and rest != "__init__.py" and source.kind is None:
        yield f"{source.path}:1: is no file that a domain has"


def impurities(source: Source) -> Iterator[str]:
    """Decisions know no I/O, no clock and no chance."""
    if source.kind != "pure":
        return
    for origin, line in source.imported_from(IMPURE):
        yield f"{source.path}:{line}: a decision imports {origin}"
    waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    clocks = {"now", "utcnow", "today", "uuid1", "uuid4", "uuid7"}
    for node in source.nodes:
        if isinstance(node, waiting):
            yield f"{source.path}:{node.lineno}: a decision waits"
        elif isinstance(node, ast.Call):
            function = node.func
            name = function.id if isinstance(function, ast.Name) else ""
            if isinstance(function, ast.Attribute) and function.attr in clocks:
                # A plain value called "now" is handed in; only a call asks the clock.
                yield f"{source.path}:{node.lineno}: a decision calls {ast.unparse(function)}"
            elif name in {"open", "print", "input"} | (clocks - {"now"}):
                yield f"{source.path}:{node.lineno}: a decision calls {name}"


def framework_in_the_wrong_place(source: Source) -> Iterator[str]:
    """HTTP types end at the routes."""
    if source.kind in (None, "routes", "schemas"):
        return
    for origin, line in source.imported_from(["litestar"]):
        yield f"{source.path}:{line}: {source.kind} imports {origin}"


def network_in_the_house(source: Source) -> Iterator[str]:
    """Domains and what they stand on reach the world only through ports, made in adapters."""
    if source.path.partition("/")[0] not in (*DOMAINS, "api", "kit"):
        return
    for origin, line in source.imported_from(NETWORK):
        if (source.path, origin.partition(".")[0]) not in NETWORK_BELOW:
            yield f"{source.path}:{line}: imports {origin}"


def network_in_transactions(source: Source) -> Iterator[str]:
    """Whoever holds a transaction makes no network call: another machine's delay would lock all."""
    for node in source.nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inside: list[ast.stmt] = node.body if _takes_transaction(node) else []
            # A port among the arguments is a network call waiting to be made.
            places: list[ast.AST] = [node.args, *inside] if inside else []
        elif isinstance(node, (ast.With, ast.AsyncWith)) and _opens_transaction(node):
            places = list(node.body)
        else:
            continue
        for place in places:
            for name, line in _names(place):
                for known, origin, _ in source.imports:
                    if name == known and (_is_below(origin, NETWORK) or ".ports." in origin):
                        yield f"{source.path}:{line}: {origin} inside a transaction"


def _takes_transaction(function: Function) -> bool:
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        if argument.arg in _TRANSACTION_NAMES or set(re.findall(r"\w+", annotation)) & set(
            _TRANSACTIONS
        ):
            return True
    return False


def _opens_transaction(block: ast.With | ast.AsyncWith) -> bool:
    return any(
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in _OPENING
        for item in block.items
        for call in [item.context_expr]
    )


def _names(place: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(place):
        if isinstance(node, ast.Name):
            yield node.id, node.lineno


def errors_as_text(source: Source) -> Iterator[str]:
    """An exception is logged as itself: what may be said of it is the redaction's decision."""
    levels = ("debug", "info", "warning", "error", "critical", "exception")
    for node in source.nodes:
        if not isinstance(node, ast.Call):
            continue
        logger, _, level = ast.unparse(node.func).rpartition(".")
        if level != "_log" and not (logger.startswith("log") and level in levels):
            continue
        for keyword in node.keywords:
            value = keyword.value
            made = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
            if keyword.arg == "error" and (
                made in ("repr", "str", "format") or isinstance(value, ast.JoinedStr)
            ):
                yield f"{source.path}:{node.lineno}: logs {ast.unparse(value)}"


def sql_outside_store(source: Source, elsewhere: set[str]) -> Iterator[str]:
    """SQL is in the store and the tables; the kit and the files named ``elsewhere`` have theirs."""
    if source.kind in ("store", "tables") or source.path.startswith("kit/"):
        return
    if source.path in elsewhere:
        return
    for origin, line in source.imported_from(["sqlalchemy"]):
        # To hand a connection on, a function has to name its type.
        if origin != "sqlalchemy.ext.asyncio.AsyncConnection":
            yield f"{source.path}:{line}: imports {origin} outside the store"
    for text, line in source.texts:
        if _STATEMENT.match(text):
            yield f"{source.path}:{line}: SQL outside the store"


def commits_in_store(source: Source) -> Iterator[str]:
    """Whoever opens a transaction ends it, and that is never the store."""
    if source.kind != "store":
        return
    # Not begin_nested: a savepoint, for trying what a constraint may refuse, ends nothing.
    ends = ("begin", "commit", "rollback", "transaction")
    for node in source.nodes:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ends
        ):
            yield f"{source.path}:{node.lineno}: the store calls {node.func.attr}"
    for text, line in source.texts:
        if re.match(r"\s*(BEGIN|COMMIT|ROLLBACK)\b", text):
            yield f"{source.path}:{line}: the store ends or begins a transaction"


def writes(source: Source) -> Iterator[tuple[str, str, int]]:
    """What the file changes in tables: insert, update or delete; the table; the line."""
    verbs = {"insert": "insert", "pg_insert": "insert", "update": "update", "delete": "delete"}
    for node in source.nodes:
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in verbs:
            # table.update() as well as sa.update(table)
            target = node.args[0] if node.args else function.value
            table = ast.unparse(target).rpartition(".")[2]
            yield verbs[function.attr], table, node.lineno
        elif isinstance(function, ast.Name) and function.id in verbs and node.args:
            table = ast.unparse(node.args[0]).rpartition(".")[2]
            yield verbs[function.id], table, node.lineno
    for text, line in source.texts:
        for verb, table in writes_in_sql(text):
            yield verb, table, line


def writes_in_sql(text: str) -> Iterator[tuple[str, str]]:
    """What a text of SQL changes: insert, update, delete, merge or truncate, and the table."""
    for match in _WRITING.finditer(text):
        yield match[1].split()[0].lower(), match[2].lower()


def sales_past_the_core(source: Source) -> Iterator[str]:
    """What can be sold changes in one place only."""
    if source.path.startswith("bookings/store"):
        return
    for verb, table, line in writes(source):
        allowed = source.path.startswith("catalog/store") and (verb, table) in CATALOGUE_MAY
        if table in SOLD and not allowed:
            yield f"{source.path}:{line}: {verb} of {table} outside bookings/store"
    yield from wide_updates(source)
    for text, line in source.texts:
        for verb, table in writes_in_sql(text):
            # Which columns it sets cannot be seen in a text.
            if verb == "update" and table == "allotments":
                yield f"{source.path}:{line}: update of {table} as a text"


def wide_updates(source: Source) -> Iterator[str]:
    """Of an inventory the catalogue sets the revision and nothing else, of an allotment the
    capacity.
    """
    for node in source.nodes:
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "values"
        ):
            continue
        fields = [keyword.arg for keyword in node.keywords]
        for table, column in (("inventories", "revision"), ("allotments", "capacity")):
            changes = f"{table}.update()" in ast.unparse(node.func.value)
            if changes and (node.args or fields != [column]):
                yield f"{source.path}:{node.lineno}: sets more than the {column} of {table}"


def environment_readers(source: Source) -> Iterator[str]:
    """Settings are the only reader of the environment."""
    for origin, line in source.imported_from(["os.environ", "os.environb", "os.getenv"]):
        yield f"{source.path}:{line}: imports {origin}"
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv"):
            yield f"{source.path}:{node.lineno}: uses {ast.unparse(node)}"


def missing_docstrings(source: Source) -> Iterator[str]:
    """Whatever is public says what it is for.

    Exempt is what can be taken in at a glance: methods of a few lines, and classes that only list
    their fields or members, such as rows, views and enumerations.
    """
    if not ast.get_docstring(source.tree):
        yield f"{source.path}:1: the module has no docstring"
    yield from _undocumented(source.path, source.tree)


def _undocumented(path: str, parent: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in parent.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node) and _has_behaviour(node):
                yield f"{path}:{node.lineno}: class {node.name} has no docstring"
            yield from _undocumented(path, node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            short = isinstance(parent, ast.ClassDef) and length <= MOST_LINES_WITHOUT_DOCSTRING
            if not (node.name.startswith("_") or short or ast.get_docstring(node)):
                yield f"{path}:{node.lineno}: {node.name} has no docstring"


def _has_behaviour(node: ast.ClassDef) -> bool:
    return any(isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)) for part in node.body)


# Written so that this file does not hold what it looks for.
_BANNED = {
    r"(?<![\w-])share[d]/": "a folder beside the project",
    r"(?<![\w.-])/(work|root|home/\w+)/": "a path of one machine",
    r"\.py[e]nv": "a path of one machine",
    r"(pypi|test\.pypi)\.[o]rg|python[h]osted\.org|npm[j]s\.|yarn[p]kg\.com|proxy\.golang\.[o]rg": (
        "a package registry"
    ),
    r"https?://[c]dn|js[d]elivr|un[p]kg\.com|cdn[j]s": "somebody else's server for our pages",
    r"\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b": "unfinished work",
    r"NotImplemented[E]rror": "unfinished work",
    r"mark\.(ski[p]\b|xfai[l])|pytest\.xfai[l]|importor[s]kip|skipif\((?:True|1)\b": (
        "a test that is not run"
    ),
}


def banned_texts(path: str, text: str) -> Iterator[str]:
    """What belongs to one machine, to somebody else's server, or is not finished."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, what in _BANNED.items():
            if match := re.search(pattern, line):
                yield f"{path}:{number}: {match[0]!r} is {what}"


def addresses_in_lock(path: str, text: str) -> Iterator[str]:
    """A lock names versions and hashes, and nobody's server."""
    for number, line in enumerate(text.splitlines(), 1):
        if "://" in line or re.match(r"\s*(-i|-f|--[\w-]*(index|find-links|host)[\w-]*)\b", line):
            yield f"{path}:{number}: {line.strip()} names a server"
