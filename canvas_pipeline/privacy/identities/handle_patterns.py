"""Patterns for names on a platform or a machine, by their place: a path, a prompt, a file's name, a cue. Data only.

Further rows for ``patterns``. Each is a place of account names; ``numbers.is_owner`` drops the words there that identify nobody
("/home/user", "github.com/features").
"""

from __future__ import annotations

from canvas_pipeline.privacy.identities.numbers import is_account, is_owner
from canvas_pipeline.privacy.identities.patterns import LIKELY, SURE, Pattern
from canvas_pipeline.privacy.word_lists import word_list

# Hosts, with what stands between them and a name.
_PAGES = (
    r"(?:(?:github|gitlab|kaggle|soundcloud|twitch|x|huggingface|overleaf|pinterest|devpost|letterboxd|cash|paypal|bitbucket|linktr|"
    r"codepen|gist\.github)\.(?:com|tv|co|app|me|org|ee|io)/(?:users?/|@)?|t(?:elegram)?\.me/(?:joinchat/|\+|s/)?"
    r"|(?:chess\.com|lichess\.org|reddit\.com|medium\.com|replit\.com|youtube\.com|leetcode\.com|venmo\.com|duolingo\.com|"
    r"snapchat\.com|steamcommunity\.com|roblox\.com|codeforces\.com|strava\.com|spotify\.com|scratch\.mit\.edu|bsky\.app|"
    r"tryhackme\.com|hackerrank\.com)/(?:member/|u/|user/|users/|add/|id/|profiles?/|p/|c/|@/?)@?)"
)
_HOSTS = r"(?i)\.(?:com|tv|co|app|me|org|ee|io|edu)/"
_HOMES = r"(?:/(?:home|Users|u|afs/[\w.]{2,40}/users?)/|[A-Z]:\\Users\\|(?<![\w~/])~)"
# Platforms that are also mentioned without an account: a label or a sign must follow.
PLATFORMS = (
    r"(?:roblox|minecraft|chess\.com|lichess(?:\.org)?|xbox(?:\slive)?|psn|playstation|nintendo|epic(?:\sgames)?|fortnite|valorant|"
    r"battle\.?net|duolingo|quizlet|kahoot|spotify|strava|goodreads|letterboxd|pinterest|tumblr|youtube|scratch|replit|repl\.it|leetcode|hackerrank|"
    r"codeforces|codewars|kaggle|soundcloud|bereal|vsco|overleaf|codecademy|khan\sacademy|stack\s?overflow|devpost|typeracer|monkeytype|"
    r"geoguessr|tryhackme|skype|teams|zelle)"
)
_LABEL = (
    r"(?:user(?:\s?name)?|ign|id|handle|tag|account|name|player|profile|gamer\s?tag|"
    r"screen\s?name|nick(?:name)?|member|friend\scode|alias)"
)
_CUED = rf"(?:(?:\s{_LABEL}){{1,3}}(?:\sis)?[\s:=(@-]{{1,4}}|\s?[:=(@]\s?@?|\s-\s@?)"
_CALLED = (
    r"(?:ign|gamer\s?tag|screen\s?name|in-game\sname|psn(?:\sid)?|nick(?:\s?name)?|handle|alias)(?:\sis)?[\s:=(@-]{1,4}"
)
_NAME = r"[A-Za-z][\w.]{2,31}(?!\w|\.\w|[-/]\w)"
_WITH_MARK = r"(?=[A-Za-z]*[\d_.])"
_SMALL = r"[a-z][a-z0-9._-]{2,30}(?![\w@])"
_WORK = (
    r"(?:hw|lab|ps|p?set|proj(?:ect)?|asg?n|assignment|essay|final|midterm|quiz|ex(?:ercise)?|report|resume|cv|draft|task|part|problem|q|a|p|"
    r"homework|exam|paper|poster|slides|solution|submission|week|wk|log|reflection)"
)
OF_PLATFORMS = frozenset(word_list("platform_cues"))
_REPOSITORY = r"(?:repo(?:sitory)?|branch|fork|folder|directory|namespace|database|schema|container)"
_OF_CUES = frozenset("ign gamer gamertag screen screenname game psn nick nickname handle alias".split())
_OF_REPOSITORIES = frozenset("repo repository branch fork folder directory namespace database schema container".split())

HANDLES: tuple[Pattern, ...] = (
    Pattern(
        "USERNAME",
        "in a page's path",
        rf"(?i)(?<![\w@.-])(?:www\.)?{_PAGES}\K[a-z0-9][\w.-]{{2,38}}\b",
        SURE,
        _HOSTS,
        valid=is_owner,
    ),
    Pattern(
        "USERNAME",
        "in a home directory",
        rf"{_HOMES}\K[a-z][a-z0-9._-]{{2,18}}[a-z0-9](?![\w.-])",
        SURE,
        r"/|~|\\",
        valid=is_owner,
    ),
    Pattern(
        "USERNAME",
        "at a machine without a domain",
        r"(?<![\w.@/+-])[a-z][a-z0-9._-]{1,18}[a-z0-9](?=@[a-z][\w-]{1,30}(?![\w@]))",
        SURE,
        r"[a-z0-9]@[a-z]",
        valid=is_owner,
    ),
    Pattern(
        "USERNAME",
        "in letters, in the name of a file",
        rf"(?<![A-Za-z0-9._/-])[a-z]{{5,10}}(?=[_-]{_WORK}[_-]?\d{{0,3}}\.[a-z]{{1,5}}\b)",
        LIKELY,
        r"[a-z][_-][a-z]{1,10}[_-]?\d{0,3}\.[a-z]",
        valid=is_account,
    ),
    Pattern(
        "USERNAME",
        "of a repository",
        rf"(?i)(?<![^\W_]){_REPOSITORY}(?:\s(?:is|as|named|called))?[\s:=]{{1,3}}(?-i:[a-z]{{2,8}}\d{{0,4}}[-_/]\K{_SMALL})",
        LIKELY,
        r"[a-z0-9][-_/][a-z]",
        valid=is_account,
        cues=_OF_REPOSITORIES,
    ),
    Pattern("USERNAME", "on Skype", r"(?<![^\W_])live:(?:\.cid\.)?\K[\w.-]{3,32}", SURE, r"live:", valid=is_account),
    Pattern(
        "USERNAME",
        "on a platform, with a digit or mark",
        rf"(?i)(?<![^\W_]){PLATFORMS}{_CUED}\K{_WITH_MARK}{_NAME}",
        SURE,
        r"[\d_.]",
        valid=is_account,
        cues=OF_PLATFORMS,
    ),
    Pattern(
        "USERNAME",
        "on a platform, in letters",
        rf"(?i)(?<![^\W_]){PLATFORMS}{_CUED}\K(?-i:{_SMALL})",
        SURE,
        r"[a-z]{3}",
        valid=is_account,
        cues=OF_PLATFORMS,
    ),
    Pattern(
        "USERNAME",
        "after a word for such a name",
        rf"(?i)(?<![^\W_]){_CALLED}\K{_WITH_MARK}{_NAME}",
        SURE,
        r"[\d_.]",
        valid=is_account,
        cues=_OF_CUES,
    ),
)
