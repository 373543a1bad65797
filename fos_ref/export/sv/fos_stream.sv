// A block quantizer with a clock: four stages, valid and ready on both sides. Replace it with your own and keep the
// ports; fos_cocotb.py drives it with the vectors. It is made of the parts of fos_dut.sv.
//
// The handshake. A block passes at a rising edge of clk at which valid and ready are 1. Once valid is 1, it and the data
// stay until ready is 1; valid does not wait for ready. Blocks come out in their order, none lost and none twice.
// rst is synchronous, active high, and empties the pipeline.
/* verilator lint_off WIDTH */  // axes are compared with texts of other lengths
module fos_stream
  import fos_float::*, fos_formats::*, fos_vectors::*;
#(
    parameter int ROWS = BLOCK_ROWS,
    parameter int COLS = BLOCK_COLS,
    parameter logic [31:0] C = SCALE_MAX == 256 ? 32'h44C00000 : 32'h45280000,
    parameter logic CHOOSE = CANDIDATES == "4/6",
    parameter int METRIC = ERROR_METRIC == "mae" ? 1 : ERROR_METRIC == "absmax" ? 2 : 0
) (
    /* verilator lint_on WIDTH */
    input logic clk,
    input logic rst,

    input  logic                    in_valid,
    output logic                    in_ready,
    input  logic [32*ROWS*COLS-1:0] in_x,             // element i in bits 32i+31 to 32i
    input  f32_t                    in_tensor_amax,
    input  f32_t                    in_encode_scale,
    input  f32_t                    in_decode_scale,

    output logic                    out_valid,
    input  logic                    out_ready,
    output f32_t                    out_map6_error,   // both errors are 0 where there is no choice
    output f32_t                    out_map4_error,
    output logic                    out_picked4,
    output e4m3_t                   out_block_scale,
    output logic [ 4*ROWS*COLS-1:0] out_codes
);
  localparam int N = ROWS * COLS;

  // ---- the pipeline: a stage takes a block if it is empty or hands its own on ----
  logic [4:1] valid;
  logic ready1, ready2, ready3, ready4;
  assign ready4 = !valid[4] || out_ready;
  assign ready3 = !valid[3] || ready4;
  assign ready2 = !valid[2] || ready3;
  assign ready1 = !valid[1] || ready2;
  assign in_ready = ready1;
  assign out_valid = valid[4];

  always @(posedge clk)
    if (rst) valid <= 0;
    else begin
      if (ready1) valid[1] <= in_valid;
      if (ready2) valid[2] <= valid[1];
      if (ready3) valid[3] <= valid[2];
      if (ready4) valid[4] <= valid[3];
    end

  // ---- stage 1: both block scales (N4 to N7) ----
  logic [32*N-1:0] x1, x2;
  f32_t amax1, amax2, decode1;
  e4m3_t scale6, scale4, scale6_1, scale4_1;
  fos_scales #(.N(N)) scales (
      .x(in_x), .encode_scale(in_encode_scale), .map6_block_scale(scale6), .map4_block_scale(scale4)
  );
  always @(posedge clk)
    if (ready1) begin
      x1 <= in_x;
      amax1 <= in_tensor_amax;
      decode1 <= in_decode_scale;
      scale6_1 <= scale6;
      scale4_1 <= scale4;
    end

  // ---- stage 2: both candidates' codes (N8, N9) ----
  logic [4*N-1:0] codes6, codes4, codes6_2, codes4_2;
  e4m3_t scale6_2, scale4_2;
  fos_codes #(.N(N)) map6 (.x(x1), .block_scale(scale6_1), .decode_scale(decode1), .codes(codes6));
  fos_codes #(.N(N)) map4 (.x(x1), .block_scale(scale4_1), .decode_scale(decode1), .codes(codes4));
  always @(posedge clk)
    if (ready2) begin
      x2 <= x1;
      amax2 <= amax1;
      scale6_2 <= scale6_1;
      scale4_2 <= scale4_1;
      codes6_2 <= codes6;
      codes4_2 <= CHOOSE ? codes4 : 0;
    end

  // ---- stage 3: both errors (N10 to N12) ----
  f32_t error6, error4, error6_3, error4_3;
  logic [4*N-1:0] codes6_3, codes4_3;
  e4m3_t scale6_3, scale4_3;
  fos_error #(.ROWS(ROWS), .COLS(COLS), .C(C), .METRIC(METRIC)) of6 (
      .x(x2), .codes(codes6_2), .block_scale(scale6_2), .tensor_amax(amax2), .error(error6)
  );
  fos_error #(.ROWS(ROWS), .COLS(COLS), .C(C), .METRIC(METRIC)) of4 (
      .x(x2), .codes(codes4_2), .block_scale(scale4_2), .tensor_amax(amax2), .error(error4)
  );
  always @(posedge clk)
    if (ready3) begin
      error6_3 <= CHOOSE ? error6 : 0;
      error4_3 <= CHOOSE ? error4 : 0;
      codes6_3 <= codes6_2;
      codes4_3 <= codes4_2;
      scale6_3 <= scale6_2;
      scale4_3 <= scale4_2;
    end

  // ---- stage 4: the choice (N13, N15) ----
  logic picked4;
  e4m3_t block_scale;
  logic [4*N-1:0] codes;
  fos_select #(.ELEMENTS(N)) select (
      .choose(CHOOSE),
      .map6_error(error6_3),
      .map4_error(error4_3),
      .map6_block_scale(scale6_3),
      .map4_block_scale(scale4_3),
      .map6_codes(codes6_3),
      .map4_codes(codes4_3),
      .picked4(picked4),
      .block_scale(block_scale),
      .codes(codes)
  );
  always @(posedge clk)
    if (ready4) begin
      out_map6_error <= error6_3;
      out_map4_error <= error4_3;
      out_picked4 <= picked4;
      out_block_scale <= block_scale;
      out_codes <= codes;
    end
endmodule
