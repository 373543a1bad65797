// The designs under test: replace fos_e2m1_encode, fos_e4m3_encode, fos_select and fos_block with your own and keep their
// ports. They do what the recipes nvfp4 and
// 4over6 (-mae, -absmax, -16x16) say; N4 to N15 are labels of docs/numerics.md. Without a clock: fos_stream.sv has one.

// Which checks make sense for the recipe of fos_vectors: the others are not run, and the run does not pass.
/* verilator lint_off WIDTH */  // axes are compared with texts of other lengths
package fos_dut;
  import fos_vectors::*;
  localparam logic HAS_E2M1 = ELEMENT_FORMAT == "E2M1" && ELEMENT_CAST == "saturate" && ELEMENT_NAN == "7" &&
      ZERO_SIGN == "sign-bit";
  localparam logic HAS_E4M3 = SCALE_FORMAT == "E4M3" && SCALE_FLOOR == "none" && SCALE_NAN == "7F";
  localparam logic HAS_SELECT = ELEMENT_FORMAT == "E2M1" && ELEMENT_CAST == "saturate" && TIE != "four" &&
      CANDIDATES != "4";
  localparam logic HAS_BLOCK = HAS_E2M1 && HAS_E4M3 && HAS_SELECT && BLOCK_SCALE == "(b/6)*S" &&
      (CANDIDATES == "6" || (MAP4_SCALE == "E4M3(1.5*base)" && ERROR_DOMAIN == "((q*s)*A)/C-x")) &&
      ELEMENT_SCALING == "x*(1/(s*D))" && ZERO_SCALE == "codes=0" && RECIPROCAL_OVERFLOW == "FLT_MAX" &&
      NONFINITE == "raise" && RECIPROCAL == "exact" && (REDUCTION == "sequential" || REDUCTION == "");
endpackage
/* verilator lint_on WIDTH */

// N9: one scaled value to its E2M1 code.
module fos_e2m1_encode
  import fos_formats::*;
(
    input  f32_t  x,
    output e2m1_t code
);
  assign code = f32_to_e2m1(x);
endmodule

// N7: an unrounded block scale to its E4M3 byte.
module fos_e4m3_encode
  import fos_formats::*;
(
    input  f32_t  x,
    output e4m3_t code
);
  assign code = f32_to_e4m3(x);
endmodule

// N13, N15: keep one candidate of a block. Element i stands in bits 4i+3 to 4i; element 2j is byte j's low nibble,
// so the codes of the candidate that is kept are the packed bytes as they stand.
module fos_select
  import fos_float::*, fos_formats::*;
#(
    parameter int ELEMENTS = 16
) (
    input  logic                  choose,  // 0: there is map-to-6 only
    input  f32_t                  map6_error,
    input  f32_t                  map4_error,
    input  e4m3_t                 map6_block_scale,
    input  e4m3_t                 map4_block_scale,
    input  logic [4*ELEMENTS-1:0] map6_codes,
    input  logic [4*ELEMENTS-1:0] map4_codes,
    output logic                  picked4,
    output e4m3_t                 block_scale,
    output logic [4*ELEMENTS-1:0] codes
);
  assign picked4 = choose && f32_less(map4_error, map6_error);
  assign block_scale = picked4 ? map4_block_scale : map6_block_scale;
  assign codes = picked4 ? map4_codes : map6_codes;
endmodule

// N4 to N7: the block scale bytes of both candidates, from the values and the tensor's S.
module fos_scales
  import fos_float::*, fos_formats::*;
#(
    parameter int N = 16
) (
    input  logic [32*N-1:0] x,  // element i in bits 32i+31 to 32i
    input  f32_t            encode_scale,
    output e4m3_t           map6_block_scale,
    output e4m3_t           map4_block_scale
);
  function automatic f32_t block_amax(input logic [32*N-1:0] v);
    f32_t m;
    int i;
    begin
      m = 0;
      for (i = 0; i < N; i = i + 1) if (f32_less(m, f32_abs(v[32*i+:32]))) m = f32_abs(v[32*i+:32]);
      block_amax = m;
    end
  endfunction

  f32_t base;
  always @* begin
    base = f32_mul(f32_div(block_amax(x), F32_SIX), encode_scale);  // N4, N5
    map6_block_scale = f32_to_e4m3(base);                           // N7
    map4_block_scale = f32_to_e4m3(f32_mul(F32_1_5, base));         // N6, N7
  end
endmodule

// N8, N9: the codes of one candidate.
module fos_codes
  import fos_float::*, fos_formats::*;
#(
    parameter int N = 16
) (
    input  logic [32*N-1:0] x,
    input  e4m3_t           block_scale,
    input  f32_t            decode_scale,
    output logic [ 4*N-1:0] codes
);
  f32_t s, m;
  int i;
  always @* begin
    s = e4m3_to_f32(block_scale);
    m = f32_div(F32_ONE, f32_mul(s, decode_scale));
    if (m == F32_INF) m = F32_MAX;  // kept finite
    codes = 0;
    for (i = 0; i < N; i = i + 1) if (s != 0) codes[4*i+:4] = f32_to_e2m1(f32_mul(x[32*i+:32], m));
  end
endmodule

// N10 to N12: the error of one candidate.
module fos_error
  import fos_float::*, fos_formats::*;
#(
    parameter int ROWS = 1,
    parameter int COLS = 16,
    parameter logic [31:0] C = 32'h44C00000,
    parameter int METRIC = 0
) (
    input  logic [32*ROWS*COLS-1:0] x,
    input  logic [ 4*ROWS*COLS-1:0] codes,
    input  e4m3_t                   block_scale,
    input  f32_t                    tensor_amax,
    output f32_t                    error
);
  // N10, N11: one element
  function automatic f32_t term(input f32_t v, input e2m1_t q, input f32_t s, input f32_t a);
    f32_t d;
    begin
      d = f32_sub(f32_div(f32_mul(f32_mul(e2m1_to_f32(q), s), a), C), v);
      term = METRIC == 0 ? f32_mul(d, d) : f32_abs(d);
    end
  endfunction

  function automatic f32_t joined(input f32_t a, input f32_t b);
    if (METRIC == 2) joined = f32_less(a, b) ? b : a;
    else joined = f32_add(a, b);
  endfunction

  // N12: each row in order, then the rows of a tile by the tree r+8, r+4, r+2, r+1
  logic [32*ROWS-1:0] rows;
  f32_t s;
  int i, j, k;
  always @* begin
    s = e4m3_to_f32(block_scale);
    for (i = 0; i < ROWS; i = i + 1) begin
      k = i * COLS;
      rows[32*i+:32] = term(x[32*k+:32], codes[4*k+:4], s, tensor_amax);
      for (j = 1; j < COLS; j = j + 1) begin
        k = i * COLS + j;
        rows[32*i+:32] = joined(rows[32*i+:32], term(x[32*k+:32], codes[4*k+:4], s, tensor_amax));
      end
    end
    for (j = ROWS / 2; j > 0; j = j / 2)
      for (i = 0; i < j; i = i + 1) rows[32*i+:32] = joined(rows[32*i+:32], rows[32*(i+j)+:32]);
    error = rows[31:0];
  end
endmodule

// N4 to N15: a whole block, from its values and the tensor's scales A, S and D.
module fos_block
  import fos_float::*, fos_formats::*;
#(
    parameter int ROWS = 1,
    parameter int COLS = 16,
    parameter logic [31:0] C = 32'h44C00000,  // 6 * M: 1536, or 2688 = 45280000
    parameter logic CHOOSE = 1'b1,            // 0: every block maps to 6
    parameter int METRIC = 0                  // 0 sum of d * d, 1 sum of |d|, 2 largest |d|
) (
    input  logic [32*ROWS*COLS-1:0] x,  // element i in bits 32i+31 to 32i
    input  f32_t                    tensor_amax,
    input  f32_t                    encode_scale,
    input  f32_t                    decode_scale,
    output f32_t                    map6_error,
    output f32_t                    map4_error,
    output logic                    picked4,
    output e4m3_t                   block_scale,
    output logic [ 4*ROWS*COLS-1:0] codes
);
  localparam int N = ROWS * COLS;

  e4m3_t scale6, scale4;
  fos_scales #(.N(N)) scales (
      .x(x), .encode_scale(encode_scale), .map6_block_scale(scale6), .map4_block_scale(scale4)
  );

  logic [4*N-1:0] codes6, codes4;
  fos_codes #(.N(N)) map6_codes (.x(x), .block_scale(scale6), .decode_scale(decode_scale), .codes(codes6));

  generate
    if (CHOOSE) begin : g_choice
      fos_codes #(.N(N)) map4_codes (.x(x), .block_scale(scale4), .decode_scale(decode_scale), .codes(codes4));
      fos_error #(.ROWS(ROWS), .COLS(COLS), .C(C), .METRIC(METRIC)) error6 (
          .x(x), .codes(codes6), .block_scale(scale6), .tensor_amax(tensor_amax), .error(map6_error)
      );
      fos_error #(.ROWS(ROWS), .COLS(COLS), .C(C), .METRIC(METRIC)) error4 (
          .x(x), .codes(codes4), .block_scale(scale4), .tensor_amax(tensor_amax), .error(map4_error)
      );
    end else begin : g_no_choice
      assign codes4 = 0;
      assign map6_error = 0;
      assign map4_error = 0;
    end
  endgenerate

  fos_select #(
      .ELEMENTS(N)
  ) select (
      .choose(CHOOSE),
      .map6_error(map6_error),
      .map4_error(map4_error),
      .map6_block_scale(scale6),
      .map4_block_scale(scale4),
      .map6_codes(codes6),
      .map4_codes(codes4),
      .picked4(picked4),
      .block_scale(block_scale),
      .codes(codes)
  );
endmodule
