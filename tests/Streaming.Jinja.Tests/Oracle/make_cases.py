#!/usr/bin/env python3
"""Writes cases.json: templates, variables and what Python's Jinja2 makes of them.

The environment is the one of Hugging Face transformers (utils/chat_template_utils.py). Needs jinja2 3.1, for example
Debian's python3-jinja2:  /usr/bin/python3 make_cases.py
"""
import copy
import itertools
import json
import os
import re
import sys

import jinja2

from environment import environment

ENV = environment()
CASES = []


def case(template, **variables):
    record = {"template": template, "variables": copy.deepcopy(variables)}
    try:
        text = ENV.from_string(template).render(**copy.deepcopy(variables))
        record["expected"] = re.sub(r" at 0x[0-9a-f]+", " at 0x0", text)  # an address differs at each run
    except Exception as error:  # whatever it is, the other engine must refuse the template as well
        record["error"] = type(error).__name__
    CASES.append(record)


def expressions(*lines, **variables):
    for line in lines:
        case("{{ " + line + " }}", **variables)


# Values and their text.
expressions(
    "true", "none", "True", "None", "false", "1", "1_000", "0x1F", "0b101", "0o17", "1.0", "1e3", "1.5e-7", "1e16",
    "123456789012345678",
    "1e15", "0.1", "100.0", "1e22", "5e-324", "1.7976931348623157e308", "0.00001", "0.0001", "12345.678", "-0.0", "1e400",
    "2 ** 100",
    "'a'", "\"it's\"", "'say \"x\"'", "['a', 1, none, true, 1.5]", "('a',)", "()", "(1, 2)", "{'a': 1, 'b': [1]}",
    "{1: 2, none: 3}",
    "['it\\'s']", "['\"']", "['\\'\"']", "['\\n\\t\\\\']", "['\u00e9\u200b\U0001f600']", "['\\x00\\x7f\\xa0\\xad']",
    "range(3)", "range(1, 5, 2)",
    "'a' 'b'", "'\\u00e9\\x41\\n\\q\\101'", "'\\U0001F600'", "'line\\\nnext'", "''", "[]", "{}", "undefined_name",
    "[undefined_name]",
    "{'a': 1}.keys()", "{'a': 1}.values()", "{'a': 1}.items()", "'x' ~ 1 ~ none ~ 1.0 ~ [1]", "1 ~ undefined_name",
)
# Arithmetic.
expressions(
    "7 // 2", "-7 // 2", "7 // -2", "7 % 3", "-7 % 3", "7 % -3", "7.5 % 2", "-7.5 % 2", "7 / 2", "6 / 2", "2 ** 3", "2 ** -1",
    "2 ** 3 ** 2",
    "-2 ** 2", "1 + 2 * 3", "(1 + 2) * 3", "10 - 3 - 2", "1 + 1.0", "true + 1", "true * 'ab'", "'-' * 3", "3 * '-'",
    "'-' * -1", "[1] * 2", "[1] + [2]",
    "(1,) + (2,)", "'a' + 'b'", "1 / 0", "1 // 0", "1 % 0", "'a' + 1", "1 + 'a'", "none + 1", "[1] + (2,)", "-'a'", "+5",
    "-true", "1e308 * 10",
    "0.1 + 0.2", "3.0 // 2", "7 // 2.0", "1 - -1", "1--1", "2**0.5", "10 ** 20", "10 ** 20 // 3", "-10 ** 20 // 3",
    "(-7) // 2", "(-1) ** 0.5",
    "1.0 * 3", "undefined_name + 1", "1 + undefined_name", "-undefined_name", "'%s' % undefined_name", "{} + {}", "1 < 2 + 3",
)
# Comparison and logic.
expressions(
    "1 < 2", "1 < 2 < 3", "1 < 3 < 2", "0 < 1 < 100", "3 > 2 > 1", "1 == 1.0", "1 == true", "'a' < 'b'", "'B' < 'a'",
    "'a' < 1", "none < 1", "[1, 2] < [1, 3]",
    "(1, 2) < (1,)", "[] < [1]", "1 in [1, 2]", "1 not in [1, 2]", "'a' in 'cat'", "'' in 'cat'", "1 in 'cat'",
    "'a' in {'a': 1}", "1 in {'a': 1}", "1.0 in [1]",
    "'x' in undefined_name", "none in [none]", "undefined_name == undefined_name", "undefined_name == none",
    "undefined_name < 1", "not 1", "not ''", "not []", "1 and 2",
    "0 and 2", "0 or 2", "1 or 2", "'' or 'x'", "none or 'x'", "undefined_name or 'x'", "not undefined_name", "1 if true",
    "1 if false", "1 if false else 2",
    "1 if undefined_name is defined else 2", "'a' if 0 else 'b' if 0 else 'c'", "not 1 == 2", "1 is defined and 2 is defined",
    "1 == 1 == 1", "{'a': 1} == {'a': 1.0}",
    "{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "[1] == (1,)", "'\U0001f600' > '\uff5e'", "not not 1", "1 != 2", "1 >= 1",
    "2 <= 1", "true == 'true'", "9007199254740993 == 9007199254740992.0",
    "not 'a' in 'b'", "'a' is string and 1 is number", "[1, 2] == [1, 2]", "range(3) == range(3)", "10 ** 400 > 1.5",
)
# Items, attributes, slices.
DATA = dict(s="Hello, W\u00f6rld", e="a\U0001f600b\U0001f601c", xs=[1, 2, 3, 4, 5], d={"a": 1, "items": 2, "b c": 3,
    "get": 4}, t=[["k", 1], ["l", 2]])
expressions(
    "s[0]", "s[-1]", "s[99]", "s[1:3]", "s[:-2]", "s[::2]", "s[::-1]", "s[5:1]", "s[-3:]", "s[1:99]", "s[99:]", "e[1]",
    "e[-1]", "e[1:3]", "e[::-1]", "e|length", "e|reverse",
    "xs[0]", "xs[-1]", "xs[9]", "xs[1:]", "xs[:2]", "xs[::-1]", "xs[-2:]", "xs[10:1:-3]", "xs[4:0:-2]", "xs[::-2]",
    "xs[-10:10]", "xs[1:2:0]", "xs[true]", "xs['0']", "xs[1.0]", "xs.0", "xs.9",
    "d.a", "d['a']", "d.items()", "d['items']", "d.get", "d['get']", "d.get('a')", "d.get('z')", "d.get('z', 9)", "d.z",
    "d.z.y", "d['z']", "d['b c']", "d.keys()|list", "d.values()|list", "d.copy()",
    "d.items()|list", "d.pop('a')", "d.update({})", "xs.append(1)", "xs.pop()", "xs.pop(0)", "xs.pop(9)", "xs.clear()",
    "xs.insert(0, 1)", "xs.sort()", "xs.reverse()", "xs.index(3)", "xs.count(3)", "xs.index(9)", "xs.copy()", "s.upper",
    "s.foo", "s.__class__", "d.__class__", "xs.__len__", "none.foo",
    "none['foo']", "1 .foo", "t[0][1]", "t.0.1", "(1, 2)[0]", "range(5)[2]", "range(5)[-1]", "d[none]", "d[[1]]",
    "d.keys()[0]", "{'a': {'b': {'c': 1}}}.a.b.c", "'abc'[1:][0]", "[1, 2, 3][1:][0]",
    "s[none:2]", "s['a':]", "{1: 'x'}[1.0]", "{true: 'x'}[1]", "xs[1, 2]", "d['a', 'b']", "s[:5].upper()",
    "undefined_name[0]", "undefined_name.foo", "undefined_name()", "s()", "d.a()",
    **DATA,
)
# Methods of str.
TEXTS = ["", "abc", "Hello World", "  x  ", "a,b,,c", "\tTab\n", "\u00dfeta \u00c9COLE", "\u0130\u0131 \u01c6",
    "\ufeffHi\x85", "\x1cA\u2028B\r\nC", "\U0001f600 a\u0301", "123", "12\u00bd\u00b2", "\u039f\u0394\u039f\u03a3 \u03a3",
    "they're Bill's",
         "%d {} {0}", "aaaa", "x=1;y=2", "\u3000wide\u3000", "UPPER", "lower", "Title Case", "\ufb01ne", "\u10d0\u10d1",
         "-42", "+7", "a\nb\n\nc\n"]
CALLS = ["capitalize()", "center(9)", "center(10, '*')", "count('a')", "count('')", "count('a', 1, 3)", "endswith('c')",
    "endswith(('c', 'd'))", "expandtabs()", "expandtabs(4)", "find('b')", "find('')", "find('a', 1)", "find('a', -2)",
         "isalnum()", "isalpha()", "isascii()", "isdecimal()", "isdigit()", "islower()", "isnumeric()", "isprintable()",
         "isspace()", "istitle()", "isupper()", "join(['x', 'y'])", "ljust(8)", "ljust(8, '.')", "lower()", "lstrip()",
         "lstrip('a')",
         "partition(',')", "partition('a')", "removeprefix('a')", "removesuffix('c')", "replace('a', 'b')",
         "replace('a', 'bb', 2)", "replace('', '-')", "replace('', '-', 2)", "rfind('a')", "rjust(8)", "rpartition(',')",
         "rsplit(',', 1)", "rsplit()",
         "rsplit(none, 1)", "rstrip()", "rstrip('c\\n')", "split(',')", "split()", "split(' ', 1)", "split(none, 1)",
         "split('a')", "splitlines()", "splitlines(true)", "startswith('a')", "startswith('l', 2)", "strip()", "strip('ac')",
         "swapcase()",
         "title()", "upper()", "zfill(6)", "split(maxsplit=1)", "replace('a', 'b', -1)"]
for text, call in itertools.product(TEXTS, CALLS):
    case("{{ x." + call + "|tojson }}", x=text)
expressions("'a'.join([1])", "'a'.split('')", "'abc'.index('z')", "'abc'.index('c')", "'abc'.replace('a')", "'abc'.foo()",
    "'abc'.strip(1)", "'abc'.startswith(1)", "'x'.center()", "'x'.ljust(3, 'ab')", "','.join('abc')", "','.join({'a': 1})",
    "'abc'.upper(1)")
# Formats.
expressions(
    "'%s' % 'x'", "'%s and %s' % (1, none)", "'%d' % 3.7", "'%5d|%-5d|%05d' % (42, 42, -42)",
    "'%x %X %o %#x' % (255, 255, 8, 255)", "'%.2f' % 3.14159", "'%.2f' % 2.675", "'%.0f' % 0.5", "'%.0f' % 1.5",
    "'%e' % 12345.678", "'%g' % 0.00001234",
    "'%g' % 123456789", "'%g' % 100000", "'%r' % 'x'", "'%%' % ()", "'%c' % 'x'", "'%c' % 65",
    "'%(a)s-%(b)d' % {'a': 1, 'b': 2}", "'%+d % d' % (1, 1)", "'%5s|%-5s|' % ('a', 'b')", "'%.2s' % 'abc'", "'%s' % [1]",
    "'%s %s' % (1,)", "'%s' % (1, 2)", "'%d' % 'x'",
    "'%*d' % (5, 42)", "'100%' % ()", "'%y' % 1", "'no' % 1", "'no' % {}", "'no' % [1]", "'%s' % none", "'%s' % {'a': 1}",
    "'%10.3f|' % 3.14159", "'%s' | format(1)", "'%s %s' | format(1, 2)", "'%(a)s' | format(a=1)",
    "'{}'.format('x')", "'{} {}'.format(1, 2)", "'{1} {0}'.format(1, 2)", "'{a}'.format(a=1)", "'{{}}'.format()",
    "'{:>5}|{:<5}|{:^5}|'.format('a', 'b', 'c')", "'{:*^7}'.format('x')", "'{:05d}'.format(42)", "'{:+}'.format(1)",
    "'{:,}'.format(1234567)", "'{:_}'.format(1234567)",
    "'{:.2f}'.format(3.14159)", "'{:10.2f}|'.format(3.14159)", "'{:x} {:#x} {:b} {:o}'.format(255, 255, 5, 8)",
    "'{:%}'.format(0.25)", "'{:.1%}'.format(0.256)", "'{:e}'.format(12345.678)", "'{:g}'.format(0.00001234)",
    "'{!r}'.format('x')", "'{!s:>4}'.format(1)", "'{:{}}'.format('a', 5)",
    "'{}'.format()", "'{'.format(1)", "'}'.format(1)", "'{0} {}'.format(1, 2)", "'{:d}'.format('x')", "'{:s}'.format(1)",
    "'{:.3}'.format('abcdef')", "'{}'.format(none)", "'{}'.format([1, 'a'])", "'{:>6}'.format(true)",
    "'{:06.2f}'.format(-3.14159)", "'{:,.2f}'.format(1234567.891)",
    "'{:}'.format(1.0)", "'{:=+5d}'.format(3)", "'{:c}'.format(65)",
)
# Filters.
F = dict(xs=[3, 1, 2], ws=["b", "A", "c"], s="the quick brown fox", ms=[{"role": "system", "n": 1, "k": {"v": "x"}},
    {"role": "user", "n": 2, "k": {"v": "Y"}}, {"role": "user", "n": 3}], d={"b": 1, "A": 3, "c": 2}, h="<b>\"x\" & 'y'</b>",
    long="word " * 60)
expressions(
    "-5|abs", "'x'|abs", "1.5|abs", "d|attr('keys')", "d|attr('b')", "s|attr('upper')", "xs|batch(2)|list",
    "xs|batch(2, 0)|list", "s|capitalize", "'abc'|center(9)", "undefined_name|default('x')", "''|default('x')",
    "''|default('x', true)", "none|d('x')", "none|d('x', true)",
    "undefined_name|d", "d|dictsort", "d|dictsort(true)", "d|dictsort(by='value')", "d|dictsort(reverse=true)", "h|e",
    "h|escape", "h|forceescape", "1000|filesizeformat", "123456789|filesizeformat", "1024|filesizeformat(true)",
    "1|filesizeformat", "999|filesizeformat",
    "xs|first", "[]|first", "'abc'|first", "'3.5'|float", "'x'|float", "'x'|float(1)", "'1e3'|float", "none|float",
    "'inf'|float", "ms|groupby('role')|map('first')|list", "ms|groupby('role')|map(attribute='list')|map('length')|list",
    "'a\nb\n\nc'|indent", "'a\nb'|indent(2, true)", "'a\n\nb'|indent(2, blank=true)",
    "'a\nb\n'|indent('>')", "'a\r\nb'|indent", "''|indent", "'42'|int", "'42.9'|int", "'x'|int", "'x'|int(7)",
    "'0x1f'|int(base=16)", "'ff'|int(0, 16)", "3.9|int", "-3.9|int", "none|int", "true|int", "' 5 '|int", "'1_0'|int",
    "[]|int", "d|items|list", "undefined_name|items|list", "1|items",
    "xs|join", "xs|join(', ')", "ms|join(',', attribute='role')", "'abc'|join('-')", "xs|join(1)", "d|join", "none|join",
    "xs|last", "[]|last", "d|last", "xs|length", "d|count", "undefined_name|length", "1|length", "none|length", "'abc'|list",
    "d|list", "1|list", "'ABC \u0130'|lower",
    "ms|map(attribute='role')|list", "ms|map(attribute='k.v')|list", "ms|map(attribute='k.v', default='-')|list",
    "ms|map(attribute='zz', default=0)|list", "ws|map('upper')|list", "ws|map('lower')|join", "[' a ']|map('trim')|list",
    "xs|map('string')|list", "xs|map('default', 1)|list", "ws|map('replace', 'A', 'B')|list",
    "xs|map|list", "xs|map('nofilter')|list", "xs|max", "xs|min", "ws|max", "ws|min", "ws|min(true)", "ms|max(attribute='n')",
    "[]|max", "xs|reject('odd')|list", "xs|reject|list", "[0, 1]|reject|list",
    "ms|rejectattr('role', 'equalto', 'user')|list|length", "ms|rejectattr('k')|list|length",
    "s|replace('quick', 'slow')", "'aaa'|replace('a', 'b', 2)", "xs|reverse|list", "'abc'|reverse", "d|reverse|list",
    "2.5|round", "3.5|round", "2.675|round(2)", "2.5|round(method='ceil')", "-2.5|round(method='floor')", "1234|round(-2)",
    "7|round", "1.234|round(1, 'floor')", "0.5|round|int", "1e20|round(2)", "'x'|round",
    "'<x>'|safe", "xs|select('odd')|list", "[0, 1, '']|select|list", "xs|select('gt', 1)|list", "xs|select('>', 1)|list",
    "xs|select('in', [1])|list", "xs|select('notest')|list", "ms|selectattr('role', 'ne', 'system')|list|length",
    "ms|selectattr('role', '==', 'user')|map(attribute='n')|list", "ms|selectattr('k')|list|length",
    "ms|selectattr('k', 'defined')|list|length", "[1, 2, 3, 4, 5]|slice(2)|list", "[1, 2, 3, 4, 5]|slice(3, 0)|list",
    "xs|sort", "xs|sort(reverse=true)", "ws|sort", "ws|sort(case_sensitive=true)",
    "ms|sort(attribute='n', reverse=true)|map(attribute='n')|list", "ms|sort(attribute='role,n')|map(attribute='n')|list",
    "[1, 'a']|sort", "'bca'|sort",
    "1|string", "none|string", "h|striptags", "xs|sum", "ms|sum(attribute='n')", "xs|sum(start=10)", "ws|sum", "[1.5, 2]|sum",
    "s|title", "\"they're o'neill-smith\"|title", "'\u00dfeta'|title", "' \u2028x\u00a0'|trim", "'xxaxx'|trim('x')",
    "'\ufeffx\x85'|trim", "'\\nx'|trim('\\n')", "5|trim", "long|truncate", "long|truncate(20)", "long|truncate(20, true)",
    "long|truncate(20, false, '')", "'short'|truncate(3, leeway=0)", "'abcdef'|truncate(4)", "ws|unique|list",
    "['a', 'A', 'b']|unique|list", "['a', 'A']|unique(true)|list", "ms|unique(attribute='role')|list|length",
    "'ABC \u00df'|upper", "'a b/c?&\u00e9'|urlencode", "{'a': 1, 'b c': 'x y'}|urlencode", "s|wordcount", "''|wordcount",
    "xs|nofilter", "1 if 0 else xs|nofilter", "xs|map('upper')", "(xs|map('string'))|length", "(xs|map('string'))[0]",
    "(xs|map('string')) is iterable", "xs|select('odd')|first", "xs|map('string')|join(',')", "not (xs|select('gt', 9))",
    "(xs|select('gt', 9)) or 'x'", "'a' ~ ('<'|e) ~ '<'", "'<' + ('<'|e)", "('<'|e)|length",
    "'a b'|e|upper", "1|tojson", "none|tojson", "1.0|tojson", "'\u00e9\"\\\\/\\n'|tojson",
    "'\u00e9'|tojson(ensure_ascii=true)", "'\U0001f600'|tojson(ensure_ascii=true)", "{'a': 1.0, 'b': [true, none]}|tojson",
    "{'b': 1, 'a': 2}|tojson(sort_keys=true)", "{'a': [1, {'b': 2}], 'c': {}, 'd': []}|tojson(indent=2)",
    "{'a': 1}|tojson(indent=0)", "[1, 2]|tojson(separators=(',', ':'))",
    "{1: 2, none: 3, true: 4, 1.5: 5}|tojson", "undefined_name|tojson", "range(3)|tojson", "(1, 2)|tojson", "'<>&\\''|tojson",
    "'\\x00\\x1f\\x7f\u2028'|tojson", "d.keys()|tojson", "d.items()|list|tojson", "(xs|map('string'))|tojson",
    "[1, 2]|tojson(4)", "[1, 2]|tojson(indent='--')", "1e16|tojson", "{'a': 1}|tojson|safe",
    "'a' is in ['a']", "[[1, 2], [3]]|sum(start=[])", "['a', ['b']]|join", "xs|sort|reverse|list", "'abc'|map('upper')|list",
    "d|map('upper')|list", "xs|last|string", "'%s'|format('<')", "ms[0]|dictsort", "undefined_name|upper",
    "undefined_name|join", "undefined_name|sort", "undefined_name|list", "undefined_name|first",
    "undefined_name|map('upper')|list", "undefined_name|int", "undefined_name|float", "undefined_name|round",
    "undefined_name|tojson", "undefined_name|trim", "undefined_name|replace('a', 'b')", "undefined_name|reverse|list",
    "undefined_name|sum", "undefined_name|max", "undefined_name|unique|list",
    "undefined_name|dictsort", "undefined_name|batch(2)|list", "undefined_name|groupby('a')",
    "undefined_name|selectattr('a')|list", "undefined_name|string", "undefined_name|indent", "undefined_name|abs",
    "undefined_name|last", "none|upper", "none|list", "none|sum", "none|map('upper')|list", "none|selectattr('a')|list",
    "1|map('upper')|list",
    "d.items()|sort", "d.keys()|sort", "d.items()|first", "d.values()|sum", "d.items()|map('first')|list",
    "xs|map(attribute=0)|list", "['ab']|map(attribute=0)|list", "[[1, 2]]|map(attribute='1')|list", "xs|sort|first",
    "xs|sort(false, true)", "['x']|join(',', 'y')", "s|replace('q', '')", "s|replace(' ', 1)", "1|replace(1, 2)",
    "5|string|length",
    "[1]|pprint", "[1]|random", "'a b'|wordwrap(1)", "'x'|urlize", "{'a': 1}|xmlattr",
    **F,
)
# Tests.
for value in ["1", "1.0", "true", "none", "'a'", "'A'", "''", "[]", "{}", "(1,)", "range(2)", "undefined_name", "-3", "4",
    "dict", "'abc'.upper", "[1]|map('upper')", "10 ** 20"]:
    expressions(*(value + " is " + test for test in ["boolean", "callable", "defined", "undefined", "divisibleby 3",
        "divisibleby(2)", "eq 1", "equalto 1.0", "even", "odd", "false", "true", "float", "integer", "number", "iterable",
        "sequence", "mapping", "string", "lower", "upper", "none", "ne 1", "gt 0", "lt(5)", "ge 1", "le 1", "in [1, 'a']",
        "not defined", "not none", "sameas none", "escaped"]))
expressions("'upper' is filter", "'nofilter' is filter", "'odd' is test", "1 is odd is even", "1 is notest", "1 is not odd",
    "not 1 is odd", "1 is odd and 2 is even", "1 is eq 1 + 1", "1 is eq(1 + 0)", "[1] is eq [1]", "'a' is in 'abc'",
    "1 is divisibleby", "x is defined or 1", "none is not none", "1 is sameas true")
# Statements.
M = dict(messages=[{"role": "system", "content": "S"}, {"role": "user", "content": "U1"}, {"role": "assistant",
    "content": "A1"}, {"role": "user", "content": "U2"}], xs=[1, 2, 3], nest=[{"v": 1, "c": [{"v": 2, "c": []}, {"v": 3,
    "c": [{"v": 4, "c": []}]}]}])
for body in [
    "{% for x in xs %}{{ x }}{% endfor %}", "{% for x in [] %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in xs if x > 1 %}{{ loop.index }}{{ x }}{% endfor %}",
    "{% for x in xs if x > 9 %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}",
    "{% for x in xs %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %}", "{% for k in {'a': 1} %}{{ k }}{% endfor %}",
    "{% for a, b in [[1, 2], [3]] %}{{ a }}{% endfor %}",
    "{% for (a, b), c in [[[1, 2], 3]] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for x in xs %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in xs %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in xs %}{% for y in xs %}{% if y == 2 %}{% break %}{% endif %}{{ x }}{{ y }}{% endfor %};{% endfor %}",
    "{% break %}", "{% for n in nest recursive %}{{ n.v }}{{ loop.depth }}({{ loop(n.c) }}){% endfor %}",
    "{% for n in xs %}{{ loop(xs) }}{% endfor %}", "{% for x in 'abc' %}{{ x }}-{% endfor %}",
    "{% for x in undefined_name %}{{ x }}{% else %}e{% endfor %}", "{% for x in none %}{% endfor %}",
    "{% for x in 5 %}{% endfor %}", "{% for x in range(3) %}{{ x }}{% endfor %}",
    "{% for x in range(3, 0, -1) %}{{ x }}{% endfor %}", "{% for x in range(100001) %}{% endfor %}",
    "{% for x in xs %}{% endfor %}{{ x }}{{ loop }}",
    "{% set x = 0 %}{% for y in xs %}{% set x = x + y %}{% endfor %}{{ x }}",
    "{% set ns = namespace(x=0) %}{% for y in xs %}{% set ns.x = ns.x + y %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns.c }}", "{% set d = {} %}{% set d.x = 1 %}",
    "{% set zz.x = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1] %}", "{% set a = 1, 2 %}{{ a }}",
    "{% set a %}x{{ 1 }}y{% endset %}{{ a }}", "{% set a | upper | replace('X', 'Z') %}xy{% endset %}{{ a }}",
    "{% set a = 1 if false %}{{ a is defined }}", "{% if xs %}y{% endif %}",
    "{% if [] %}y{% elif xs %}z{% else %}n{% endif %}", "{% if undefined_name %}y{% else %}n{% endif %}",
    "{% if undefined_name.x %}y{% endif %}",
    "{% if true %}{% set z = 1 %}{% endif %}{{ z }}", "{% if false %}{% set z = 1 %}{% endif %}{{ z }}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set a = 1 %}{{ a }}{% endwith %}{{ a }}",
    "{% set a = 1 %}{% with b = a %}{% set a = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% with a = 1, b = a %}{{ b }}{% endwith %}",
    "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(b=4, a=5) }} {{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}",
    "{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}body{% endcall %}",
    "{% macro m(xs) %}{% for x in xs %}{{ caller(x) }}{% endfor %}{% endmacro %}{% call(y) m(xs) %}<{{ y }}>{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}b{% endcall %}",
    "{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% set g = 1 %}{% macro m() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ m() }}",
    "{% macro m() %}{% set q = 1 %}{{ q }}{% endmacro %}{{ m() }}{{ q }}",
    "{% macro m() %}{{ undefined_name }}{% endmacro %}{{ m() ~ 'x' }}{{ m() | length }}",
    "{% macro m(a=xs) %}{{ a }}{% endmacro %}{{ m() }}", "{% macro m(a, a2=a) %}{{ a2 }}{% endmacro %}{{ m(7) }}",
    "{{ m() }}{% macro m() %}x{% endmacro %}", "{% for x in xs %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m() %}{% for x in xs %}{{ x }}{% endfor %}{% endmacro %}{{ m() }}",
    "{% filter upper %}abc{{ 'd' }}{% endfilter %}", "{% filter replace('a', 'b')|upper %}aac{% endfilter %}",
    "{% raw %}{{ x }}{% if %}{% endraw %}", "{%- raw -%}  {{ x }}  {%- endraw -%} z", "{% raw %}\n a\n{% endraw %}\nz",
    "{# comment #}x{#- strip -#} y", "a {#- c #} b", "{# {{ x }} {% if %} #}ok", "{#", "{% raw %}x", "{{ 'a' }",
    "{% if true %}x", "{% endfor %}", "{% unknown %}", "{{ }}", "{{ 1 2 }}", "{{ 1 + }}", "{{ 'a }}", "{{ (1 }}",
    "{{ [1, 2 }}", "{{ {1: } }}", "{% set x %}", "{% set 1 = 2 %}", "{% set true = 1 %}", "{% for in xs %}{% endfor %}",
    "{% macro %}{% endmacro %}", "{% print 1, 2 %}", "{% print xs %}",
    "{% generation %}x{% set w = 1 %}{{ w }}{% endgeneration %}{{ w }}", "{% generation %}\nx\n{% endgeneration %}\ny",
    "{{ raise_exception('no') }}", "{% if false %}{{ raise_exception('no') }}{% endif %}ok", "{{ strftime_now('%Y') }}",
    "{{ cycler('a', 'b').next() }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}",
    "{% set j = joiner() %}{% for x in xs %}{{ j() }}{{ x }}{% endfor %}", "{{ dict(a=1, **{'b': 2}) }}",
    "{{ dict([['a', 1]]) }}", "{{ [1, 2, 3][:2] }}",
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m.content|trim + '<|end|>\n' }}{% endfor %}",
    "{% for m in messages if m.role != 'system' %}{% if loop.first %}F{% endif %}{{ m.content }}{% endfor %}",
    "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}{{ rest|length }}",
    "{% for m in messages[::-1] %}{{ m.role[0] }}{% endfor %}",
    "{{ messages|selectattr('role', 'equalto', 'user')|list|length }}", "{{ messages|map(attribute='role')|join(' ') }}",
    "{% for m in messages|rejectattr('role', 'in', ['system']) %}{{ m.content }}{% endfor %}",
    "{% set ns = namespace(found=false) %}{% for m in messages %}{% if m.role == 'user' and not ns.found %}{% set ns.found = true %}{{ m.content }}{% endif %}{% endfor %}",
    "{{ messages[-1]['content'] if messages else '' }}",
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}{% endfor %}",
    "{% if m is not defined %}u{% endif %}", "{% set m = m | default('d') %}{{ m }}",
    "{% for x in xs -%}\n  {{ x }}\n{%- endfor %}", "{% for x in xs %}\n  {{ x }}\n{% endfor %}\nend\n",
    "  {% if true %}\n  a\n  {% endif %}\n  b", "a\n  {%+ if true %}x{% endif +%}\nb",
    "a  {%- if true -%}  x  {%- endif -%}  b", "a\n\t {{ 1 }}\n", "x {{- 1 -}} y", "{{ 1 -}}\n\n y",
    "\n\n{% if true %}\n\nx\n\n{% endif %}\n\n", "a\r\nb\r\n{% if true %}\r\nc\r\n{% endif %}\r\n", "a\rb", "x\n\n", "x\n",
    "\n", "", "{% if true %}\n", "{{ '\n' }}", "{{ 'a\r\nb' }}", "  {# c #}\n  x", "a {# c #}\nb",
    "{% set x = 1 -%}\n\n{%- set y = 2 %}\n{{ x }}{{ y }}",
    "{%- for x in xs %}\n\t{%- if not loop.first %}, {% endif %}{{ x }}\n{%- endfor %}", "\u00a0{% if true %}x{% endif %}",
    "a\n\u3000{% if true %}x{% endif %}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{{'a': 1}}}", "{{ {'a': {}} }}",
    "{{ \"}}\" }}", "{% if '%}' %}x{% endif %}", "{{ '{{' }}", "}} %} #}", "{ { x } }", "{{ x }",
    "{% for x in xs recursive %}{{ x }}{% endfor %}", "{% set x = xs[0] if xs else none %}{{ x }}", "{{ xs | length > 2 }}",
    "{{ xs | length if xs is defined else 0 }}", "{{ (xs | first) + 1 }}", "{{ -xs[0] }}", "{{ -xs|first }}",
    "{{ not xs|length }}", "{{ 'a' if xs|length > 2 and xs[0] == 1 else 'b' }}", "{{ 'x' * xs|length }}",
    "{{ xs[xs|length - 1] }}", "{{ m(1)(2) }}", "{{ 'abc'|upper|lower|title }}", "{{ 'a'.upper()|lower }}",
    "{{ xs|map('string')|map('upper')|list }}", "{% for x in xs|map('string') %}{{ loop.last }}{% endfor %}",
    "{% set g = xs|map('string') %}{{ g|list }}{{ g|list }}", "{% set a = [] %}{% if a.append(1) %}{% endif %}",
    "{% do xs.append(1) %}", "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}", "{{ loop }}",
    "{{ namespace() }}", "{{ self }}", "{{ varargs }}", "{{ caller }}", "{% for loop in xs %}{{ loop }}{% endfor %}",
    "{{ xs is sequence and xs is not string and xs is not mapping }}", "{%if true%}x{%endif%}",
    "{%-if true-%} x {%-endif-%}", "{{-1}}", "{{- -1 }}", "{{ 1-1 }}", "{{1+1}}",
    "{% set content = messages[0].content.split('x')[-1].lstrip('\n') %}{{ content }}", "{{ 'a\\nb' }}", "{{ \"\\\"\" }}",
    "{{ '\\'' }}", "{% set x = {'role': 'user', 'content': xs} %}{{ x.content[0] }}{{ x | tojson }}",
    "{{ messages | tojson }}", "{% set x = '' %}{% set x = x ~ 'a' %}{{ x }}",
    "{% for a in xs %}{% set outer = loop %}{% for b in xs %}{{ outer.index }}{{ loop.index }}{% endfor %}{% endfor %}",
    "{{ range(3) | list }}{{ range(3) | sum }}", "{{ ('a', 'b') | join }}", "{{ 'a' in ('a', 'b') }}",
    "{{ 'yes' if 'a' in ['a'] else 'no' }}", "{% set x = true %}{{ 'T' if x else 'F' }}", "{{ none is none }}",
    "{{ [1, 2, 3] | last }}", "{{ 1 if none else 2 }}", "{{ [] or none }}", "{{ '' is defined }}", "{{ 'a' ~ 'b' * 2 }}",
    "{{ 1 ~ 2 + 3 }}", "{{ 5 % 3 ~ 1 }}", "{{ 'a' == 'a' ~ '' }}", "{{ foo.bar is defined }}", "{{ xs.foo is defined }}",
    "{{ messages[9] is defined }}", "{{ messages[9].x is defined }}",
    "{{ messages[0].tool_calls is defined and messages[0].tool_calls }}", "{{ messages[0].tool_calls or 'n' }}",
    "{{ messages[0]['tool_calls'] is not none }}",
]:
    case(body, **M)

if __name__ == "__main__":
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=True) for c in CASES) + "\n]\n")
    print(f"jinja2 {jinja2.__version__}: {len(CASES)} cases, {sum('error' in c for c in CASES)} of them errors", file=sys.stderr)
