"""Functions of shaders, with templates in them."""

from __future__ import annotations

from tests.chunking.conftest import Cut

WGSL = """\
{$ include 'pygfx.std.wgsl' $}
struct VertexInput {
    @builtin(vertex_index) index : u32,
};

// Places a vertex.
@vertex
fn vs_main(in: VertexInput) -> Varyings {
    $$ if colored
    varyings.color = {{ color }};
    $$ endif
    return varyings;
}

fn helper(a: f32) -> f32 { return a; }
"""
GLSL = """\
uniform vec3 light;
/* Signed
   distance. */
float sphere(vec3 p, float r)
{
    return length(p) - r;
}
"""


def test_wgsl_functions_are_found_between_templates(cut: Cut) -> None:
    chunks = cut(WGSL, "pkg/a.wgsl", language="wgsl")

    assert [(chunk.symbol, chunk.start_line, chunk.end_line) for chunk in chunks] == [
        (None, 1, 4),
        ("vs_main", 6, 13),
        ("helper", 15, 15),
    ]
    assert {chunk.kind for chunk in chunks} == {"shader"}
    assert [chunk.broken for chunk in chunks] == [True, True, False]
    assert chunks[2].signature == "fn helper(a: f32) -> f32"


def test_glsl_functions_keep_the_comment_above(cut: Cut) -> None:
    rest, function = cut(GLSL, "pkg/a.glsl", language="glsl")

    assert rest.text == "uniform vec3 light;\n"
    assert (function.symbol, function.start_line, function.end_line) == ("sphere", 2, 7)
    assert function.signature == "float sphere(vec3 p, float r)"


def test_each_part_of_a_function_has_the_lines_of_the_whole(cut: Cut) -> None:
    body = "    x = x * 2.0 + some_other_value;\n" * 150
    parts = cut(f"// Doubles.\nfloat f(float x) {{\n{body}}}\n", "pkg/a.glsl", language="glsl")

    assert len(parts) > 1
    assert {(part.symbol, part.start_line, part.end_line) for part in parts} == {("f", 1, 153)}


def test_a_line_that_nobody_wrote_is_cut_without_the_grammar(cut: Cut) -> None:
    chunks = cut("float f() { return 1.0; }\n" + "x" * 100_001, "pkg/a.glsl", language="glsl")

    assert {chunk.kind for chunk in chunks} == {"section"}
