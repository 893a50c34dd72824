# SPDX-License-Identifier: Apache-2.0
"""Captured values of every type, by position, through pointers and as return values."""

from harness import PROGRAMS

I64_MIN, I64_MAX, U64_MAX = -(1 << 63), (1 << 63) - 1, (1 << 64) - 1
STRING_MAX = 2048  # the longest captured string, in bytes


def capture(t, rules, flags=("-O2",), cc="g++"):
    trace = t.compared([t.build("capture.cc", flags=flags, cc=cc)], rules)
    trace.spans.sort(key=lambda s: s.start)
    return trace


def values(trace, name, *keys):
    """The attributes of the calls of one function in their order, None where absent."""
    return [tuple(span.attr(key) for key in keys) for span in trace.named(name)]


def integers(t, **build):
    trace = capture(t, [
        "tr_signed(a=arg1:i8, b=arg2:i16, c=arg3:i32, d=arg4:i64, r=return:i32)",
        "tr_unsigned(a=arg1:u8, b=arg2:u16, c=arg3:u32, d=arg4:u64, r=return:u32)",
    ], **build)
    t.equal(values(trace, "tr_signed", "a", "b", "c", "d", "r"), [
        (-128, -32768, -(1 << 31), I64_MIN, -(1 << 31)), (127, 32767, (1 << 31) - 1, I64_MAX, (1 << 31) - 1),
        (-1, -1, -1, -1, -1)], "signed integers")
    got = values(trace, "tr_unsigned", "a", "b", "c", "d", "r")
    # OTLP integers are signed: the one value beyond them may be a string or wrapped.
    t.true(got[0][3] in (U64_MAX, str(U64_MAX), -1), f"u64 maximum: {got[0][3]!r}")
    got[0] = got[0][:3] + (U64_MAX,) + got[0][4:]
    t.equal(got, [(255, 65535, (1 << 32) - 1, U64_MAX, (1 << 32) - 1), (0, 0, 0, 0, 0)], "unsigned integers")


def test_integers_of_every_width_and_sign(t):
    integers(t)


def test_integers_unoptimised_with_cet(t):
    integers(t, flags=("-O0", "-fcf-protection"))


def test_integers_clang(t):
    integers(t, flags=("-O2", "-fno-omit-frame-pointer"), cc="clang++")


def test_booleans_and_pointers(t):
    trace = capture(t, ["tr_flags(yes=arg1:bool, no=arg2:bool, p=arg3:ptr, r=return:bool)",
                        "tr_is_even(x=arg1:i64, r=return:bool)", "tr_pointer(which=arg1:i64, r=return:ptr)"])
    yes, no, pointer, r = values(trace, "tr_flags", "yes", "no", "p", "r")[0]
    t.equal((yes, no, r), (True, False, True), "booleans")
    t.equal(as_address(pointer), 0x1000, "a pointer argument")
    t.equal(values(trace, "tr_is_even", "x", "r"), [(4, True), (5, False)], "boolean return values")
    t.equal([as_address(v) for v, in values(trace, "tr_pointer", "r")], [0, 0x1234567890], "pointers returned")


def as_address(value):
    """Pointers are numbers or hexadecimal text."""
    return int(value, 0) if isinstance(value, str) else value


def test_return_values(t):
    trace = capture(t, ["tr_negative(r=return:i32)", "tr_many(r=return:i64)", "tr_string(r=return:str)"])
    t.equal(values(trace, "tr_negative", "r"), [(-5,)], "a negative value")
    t.equal(values(trace, "tr_many", "r"), [(6,)], "a value computed from a stack argument")
    t.equal(values(trace, "tr_string", "r")[1], ("plain",), "a string returned")


def test_strings(t):
    trace = capture(t, ["tr_string(text=arg1:str)"])
    got = [v for v, in values(trace, "tr_string", "text")]
    t.equal(got[0], "", "an empty string")
    t.equal(got[1], "plain", "a plain string")
    t.true(got[2] and set(got[2]) == {"L"} and 64 <= len(got[2]) <= STRING_MAX, f"a long string: {got[2]!r}")
    t.true(got[3].startswith("bad ") and " utf-8 " in got[3], f"a string that is no UTF-8: {got[3]!r}")
    t.equal(got[4], None, "a NULL pointer")
    t.equal(got[5], "gr\u00fc\u00df dich", "a UTF-8 string")
    t.equal(got[6], "quote \" backslash \\ tab \t newline \n bell \a", "characters that JSON escapes")


def test_std_string(t):
    trace = capture(t, ["tr_std(text=arg1:string, size=return:i64)"])
    t.equal(values(trace, "tr_std", "text", "size"), [
        ("", 0), ("short", 5), ("fifteen chars..", 15), ("sixteen chars...", 16), ("h" * 200, 200)], "std::string")


def test_fields_through_pointers(t):
    trace = capture(t, ["tr_fields(id=arg1->0:u64, number=arg1->8->0:i32, port=arg1->8->4:u16, flag=arg1->8->6:bool, "
                        "label=arg1->8->8:str, ratio=arg1->8->16:f64, third=arg1->8->24:f32, tag=arg1->8->28:chars)"])
    got = values(trace, "tr_fields", "number", "port", "flag", "label", "ratio", "third", "tag")
    t.equal(got, [(-5, 8080, True, "a label", 2.5, 0.25, "tagged")], "fields of a struct")


def test_std_string_in_a_struct(t):
    trace = capture(t, ["tr_fields(name=arg1->16:string)"])
    t.equal(values(trace, "tr_fields", "name"), [("a name longer than sixteen",)], "a std::string member")


def test_stack_arguments(t):
    trace = capture(t, ["tr_many(a=arg1:i64, f=arg6:i64, g=arg7:i64, h=arg8:i32, i=arg9:str)"])
    t.equal(values(trace, "tr_many", "a", "f", "g", "h", "i"), [(1, 6, -7, -8, "ninth")], "arguments on the stack")


def test_stack_arguments_clang_frame_pointers(t):
    trace = capture(t, ["tr_many(g=arg7:i64, h=arg8:i32, i=arg9:str)"], ("-O2", "-fno-omit-frame-pointer"), "clang++")
    t.equal(values(trace, "tr_many", "g", "h", "i"), [(-7, -8, "ninth")], "arguments on the stack")


def test_doubles_through_pointers(t):
    trace = capture(t, ["tr_doubles(first=arg1->0:f64, second=arg1->8:f64, third=arg1->16:f64, single=arg2->0:f32)"])
    t.equal(values(trace, "tr_doubles", "first", "second", "third", "single"), [(1.5, -1e300, 3.25, -0.5)], "doubles")


def test_method_by_its_demangled_name(t):
    """arg1 is the first declared parameter, `self` the object."""
    trace = capture(t, ["Shape::scaled(factor=arg1:i32, unit=arg2:str, sides=self->0:i32, r=return:i32)"])
    spans = [s for s in trace.spans if s.name.startswith("Shape::scaled")]
    t.equal([(s.attr("factor"), s.attr("unit"), s.attr("sides"), s.attr("r")) for s in spans], [(4, "cm", 3, 12)],
            "a method's values")


def test_filter_and_literal_in_expressions(t):
    """Fixed attributes and a name made of captured values."""
    profile = t.dir / "shapes.yaml"
    profile.write_text("""wftrace: 1
profile: shapes
spans:
  - function: tr_string
    name: "a text"
    kind: client
    when: arg1:ptr != 0
    attributes: {text: "arg1:str", component: "'shapes'"}
  - function: tr_negative
    error: return:i32 < 0
    attributes: {in: "arg1:i32", out: "return:i32"}
""")
    t.need_wftrace()
    target = t.start(t.build("capture.cc", flags=("-O2",)))
    tracer = t.attach(target, [], "--profile", profile)
    target.go()
    target.finish()
    trace = tracer.stop()
    t.equal(trace.counts(), {"a text": 6, "tr_negative": 1}, "calls")
    for span in trace.named("a text"):
        t.equal((span.attr("component"), span.kind), ("shapes", "client"), f"fixed attribute and kind of {span}")
    failed, = trace.named("tr_negative")
    t.equal((failed.error, failed.attr("in"), failed.attr("out")), (True, 5, -5), "error by return value")


def test_source_file_and_line(t):
    plain = t.build("trio.c")
    programs = [t.build("trio.c", flags=flags, cc=cc, name=cc)
                for cc, flags in (("gcc", ("-O2", "-g")), ("clang", ("-O0", "-gdwarf-4")))]
    for program in programs:
        trace, _ = t.run_traced([program, "10"], ["tr_outer", "tr_leaf"])
        header = (PROGRAMS / "trio.h").read_text().splitlines()
        for name in ("tr_outer", "tr_leaf"):
            line = next(i for i, text in enumerate(header, 1) if f"{name}(long x)" in text)
            for span in trace.named(name):
                t.equal(span.attr("code.file.path"), str(PROGRAMS / "trio.h"), f"file of {name}")
                t.true(line <= span.attr("code.line.number") <= line + 1,
                       f"line of {name}: {span.attr('code.line.number')}, not {line}")
    trace, _ = t.run_traced([plain, "10"], ["tr_leaf"])
    t.equal({span.attr("code.file.path") for span in trace.spans}, {None}, "without debug information")
