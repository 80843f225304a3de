#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""amalgamate.py SOURCE_DIR OUT_DIR lib/FILE.c...   the library as two files, flowlog.h and flowlog.c.

flowlog.h is the public headers in one; flowlog.c is every source in the order given, with the private headers in front.
`cc -std=c11 -O2 -c flowlog.c` is all there is to building it: instruction sets are chosen by pragmas in the text.

What separate files kept apart is kept apart here as well:
  - names of file scope that two files use are given the file's name as a suffix in each of them;
  - macros of a file are undefined at its end;
  - headers without an include guard are templates, and are copied to each place that includes them;
  - feature-test macros and system headers go to the top, the former because they count only there, the latter because
    what follows them is hidden, and the C library must not be.
The bytes depend on the sources alone.
"""
import collections
import os
import re
import sys

TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
      | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      | (?P<directive>^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
      | (?P<sign>->|\.\.\.|[^\w\s])
      | (?P<blank>\s+)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>]+)>|"([^"]+)").*\n', re.MULTILINE)
FEATURE = re.compile(r"^#define (_[A-Z]\w+)(?: (\w+))?.*\n", re.MULTILINE)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
UNDEF = re.compile(r"^[ \t]*#[ \t]*undef[ \t]+(\w+)", re.MULTILINE)
GUARD = re.compile(r"^#ifndef (FL_\w+_H|FLOWLOG_\w*H)\n#define \1\n", re.MULTILINE)
LICENCE = "/* SPDX-License-Identifier: MIT */\n"
# Included on their own conditions where they stand: they declare nothing that is linked.
CONDITIONAL = ("arm_neon.h", "cpuid.h", "emmintrin.h", "immintrin.h")


class Library:
    """The files that were read, and what of them is collected for the top."""

    def __init__(self, root):
        self.root = root
        self.texts = {}
        self.features = {}
        self.system = set()
        self.headers = []
        self.seen = {}

    def read(self, path):
        if path not in self.texts:
            with open(os.path.join(self.root, path), encoding="ascii") as file:
                self.texts[path] = file.read().replace(LICENCE, "", 1)
        return self.texts[path]

    def find(self, name):
        """The file of an #include: a public header has flowlog/ in front, all others are below lib/."""
        return os.path.join("include" if name.startswith("flowlog/") else "lib", name)

    def resolve(self, path):
        """The text of a file without its includes: guarded headers join self.headers, templates stay in place."""
        seen = self.seen.setdefault(path, [])

        def one(match):
            system, own = match.groups()
            if system:
                if system in CONDITIONAL:
                    return match.group(0)
                self.system.add(system)
                return ""
            target = self.find(own)
            if target.startswith("include"):
                return ""  # flowlog.h has it
            if not GUARD.search(self.read(target)):
                text = self.resolve(target)
                seen.extend(self.seen[target])
                return text
            if target not in self.headers:
                text = self.resolve(target)
                self.headers.append(target)
                self.texts[target] = text
            seen.extend(self.seen[target] + [target])
            return ""

        def feature(match):
            name, value = match.group(1), match.group(2) or "1"
            if self.features.setdefault(name, value) != value:
                sys.exit(f"amalgamate: {path} wants {name} {value}, another file {self.features[name]}")
            return ""

        return INCLUDE.sub(one, FEATURE.sub(feature, self.read(path)))


def tokens(text):
    return [(match.lastgroup, match.group()) for match in TOKEN.finditer(text)]


def file_scope_names(text):
    """Names that a text declares at file scope, without its macros."""
    names = set()
    code = [t for t in tokens(text) if t[0] in ("name", "sign", "number", "text")]
    start = 0
    while start < len(code):
        end, depth, body = start, 0, None
        while end < len(code):  # to the ';' or the '}' of a function
            sign = code[end][1] if code[end][0] == "sign" else ""
            depth += (sign in ("{", "(", "[")) - (sign in ("}", ")", "]"))
            if sign == "{" and depth == 1 and body is None:
                body = end
            if depth == 0 and (sign == ";" or (sign == "}" and is_function(code[start:body]))):
                break
            end += 1
        names |= declared(code[start : end + 1])
        start = end + 1
    return {name for name in names if not name.startswith("flowlog_")}


def is_function(head):
    return bool(head) and head[-1][1] == ")" and "=" not in [word for _, word in head]


def declared(code):
    """The names of one declaration at file scope, given as tokens: its function, variables, types and enumerators."""
    names = set()
    words = [word for _, word in code]
    open_signs = []  # "enum" for the brace of an enumeration
    in_value = in_parameters = False
    for i, (kind, word) in enumerate(code):
        before, after = words[i - 1] if i else "", words[i + 1] if i + 1 < len(words) else ""
        if kind == "sign":
            if word == "{" and not open_signs and is_function(code[:i]):
                break
            if word in ("{", "(", "["):
                open_signs.append("enum" if word == "{" and "enum" in words[max(0, i - 2) : i] else word)
            elif word in ("}", ")", "]"):
                open_signs.pop()
            elif not open_signs and word in ("=", ","):
                in_value = word == "="
            continue
        if kind != "name":
            continue
        if open_signs and open_signs[-1] == "enum":
            if before in ("{", ","):
                names.add(word)
        elif open_signs == ["("] and before == "*" and after in (")", "[") and not in_parameters:
            names.add(word)  # type (*name)(...)
        elif open_signs or in_value:
            continue
        elif before in ("struct", "union", "enum"):
            if after == "{":
                names.add(word)
        elif after == "(":
            if word.startswith(("FL_", "_")):
                continue  # a macro, an attribute, _Static_assert
            if i + 2 < len(words) and words[i + 2] == "*":
                continue  # the type in front of (*name)
            if not in_parameters:
                names.add(word)
            in_parameters = True
        elif after in ("[", "=", ";", ","):
            names.add(word)
    return names


def rename(text, names):
    """Writes names[x] for x, but where x is a member."""
    out = []
    bodies = []  # for each open brace: is it the body of a struct or union?
    pieces = tokens(text)
    code = [i for i, t in enumerate(pieces) if t[0] in ("name", "sign", "number", "text")]
    order = {place: n for n, place in enumerate(code)}

    def word(place, step):
        n = order[place] + step
        return pieces[code[n]][1] if 0 <= n < len(code) else ""

    for place, (kind, piece) in enumerate(pieces):
        if kind == "directive":
            head = re.match(r"[ \t]*#[ \t]*\w*", piece).group()
            out.append(head + rename(piece[len(head) :], names))
            continue
        if kind == "sign" and piece == "{":
            bodies.append(bool({"struct", "union"} & {word(place, -1), word(place, -2)}))
        elif kind == "sign" and piece == "}" and bodies:
            bodies.pop()
        if kind == "name" and piece in names:
            member = word(place, -1) in (".", "->") or (
                bodies and bodies[-1] and (word(place, 1) in (";", ",", "[", ":") or word(place, -1) == "*"))
            piece = piece if member else names[piece]
        out.append(piece)
    return "".join(out)


def banner(name):
    return f"\n/* --- {name} {'-' * max(3, 110 - len(name))} */\n"


def flat(text):
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def public_header(library):
    """include/flowlog.h with what it includes in place."""
    system, done = set(), []

    def one(match):
        if match.group(1):
            system.add(match.group(1))
            return ""
        path = os.path.join("include", match.group(2))
        if path in done:
            return ""
        done.append(path)
        return banner(match.group(2)) + flat(INCLUDE.sub(one, library.read(path)))

    body = INCLUDE.sub(one, library.read("include/flowlog.h"))
    includes = "".join(f"#include <{name}>\n" for name in sorted(system))
    return LICENCE + flat(body.replace("#define FLOWLOG_H\n", "#define FLOWLOG_H\n\n" + includes, 1))


def source(library, paths):
    units = [(path, library.resolve(path)) for path in paths]
    headers = [(path, library.texts[path]) for path in library.headers]
    names = {path: file_scope_names(text) for path, text in headers + units}
    for path, text in headers:
        names[path] |= set(DEFINE.findall(text)) - set(UNDEF.findall(text)) - set(GUARD.findall(text))
    of_headers = set().union(*(names[path] for path, _ in headers))
    for path, text in units:  # other macros of a unit are undefined at its end
        names[path] |= set(DEFINE.findall(text)) & of_headers
    count = collections.Counter(name for path in names for name in names[path])

    def apart(path, text):
        """The text with its own suffix for every name that other files have too; a name from a header has that one's."""
        new = {}
        for place in [path] + library.seen[path]:
            suffix = "__" + re.sub(r"\W", "_", os.path.splitext(place[len("lib/") :])[0])
            new.update((name, name + suffix) for name in names[place] if count[name] > 1)
        return rename(text, new) if new else text

    out = [
        LICENCE,
        "/* flowlog.c - all of libflowlog in one file, generated from its sources: cc -std=c11 -O2 -c flowlog.c */\n",
    ]
    for name, value in sorted(library.features.items()):
        out.append(f"#ifndef {name}\n#define {name} {value}\n#endif\n")
    out.append('#include "flowlog.h"\n\n')
    out += [f"#include <{name}>\n" for name in sorted(library.system)]
    out.append("\n#if defined(__GNUC__) && !defined(_WIN32)\n#pragma GCC visibility push(hidden)\n#endif\n")
    for path, text in headers:
        out.append(banner(path) + flat(apart(path, text)))
    for path, text in units:
        text = apart(path, text)
        macros = sorted(set(DEFINE.findall(text)) - set(UNDEF.findall(text)))
        out.append(banner(path) + flat(text) + "".join(f"#undef {name}\n" for name in macros))
    out.append("\n#if defined(__GNUC__) && !defined(_WIN32)\n#pragma GCC visibility pop\n#endif\n")
    return "".join(out)


def main():
    root, target, paths = sys.argv[1], sys.argv[2], sys.argv[3:]
    library = Library(root)
    os.makedirs(target, exist_ok=True)
    for name, text in (("flowlog.h", public_header(library)), ("flowlog.c", source(library, paths))):
        with open(os.path.join(target, name), "w", encoding="ascii", newline="\n") as file:
            file.write(text)


if __name__ == "__main__":
    main()
