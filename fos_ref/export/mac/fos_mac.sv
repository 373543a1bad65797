// The multiply-accumulate units with a clock, and with the ports of the published ones.
//
// A beat is taken at a rising edge at which `en` is 1. `first` begins a segment and ends the one before it. If that
// `first` is taken at edge c, the old segment's sum is in `acc`, and `done` is 1, from edge c + 6 to the next; of the
// folded units from edge c + 2. `acc` then stays. The reducer is busy for 5 edges: a segment that ends within them is lost;
// the folded units lose none. `rst_n` is synchronous, active low.
// With CODE8_ASSERT a simulation stops at a code 8 of a beat that is taken.

module fos_nvfp4_mac #(
    parameter int BLOCK_SIZE = 16,
    parameter bit CODE8_ASSERT = 0
) (
    input  logic        clk,
    input  logic        rst_n,
    input  logic        en,
    input  logic        first,
    input  logic [ 3:0] a_in[BLOCK_SIZE-1:0],
    input  logic [ 7:0] a_sf,
    input  logic [ 3:0] w_in[BLOCK_SIZE-1:0],
    input  logic [ 7:0] w_sf,
    output logic [31:0] acc,
    output logic        done
);
  wire [4*BLOCK_SIZE-1:0] a, w;
  genvar i;
  generate
    for (i = 0; i < BLOCK_SIZE; i = i + 1) begin : g_pack
      assign a[4*i+:4] = a_in[i];
      assign w[4*i+:4] = w_in[i];
    end
  endgenerate
  fos_mac_core #(.IF4(0), .LANES(BLOCK_SIZE)) core (.*);
  fos_mac_code8 #(.LANES(BLOCK_SIZE), .STOP(CODE8_ASSERT)) code8 (.*);
endmodule

module fos_if4_mac #(
    parameter int BLOCK_SIZE = 16,
    parameter bit CODE8_ASSERT = 0
) (
    input  logic        clk,
    input  logic        rst_n,
    input  logic        en,
    input  logic        first,
    input  logic [ 3:0] a_in[BLOCK_SIZE-1:0],
    input  logic [ 7:0] a_sf,
    input  logic [ 3:0] w_in[BLOCK_SIZE-1:0],
    input  logic [ 7:0] w_sf,
    output logic [31:0] acc,
    output logic        done
);
  wire [4*BLOCK_SIZE-1:0] a, w;
  genvar i;
  generate
    for (i = 0; i < BLOCK_SIZE; i = i + 1) begin : g_pack
      assign a[4*i+:4] = a_in[i];
      assign w[4*i+:4] = w_in[i];
    end
  endgenerate
  fos_mac_core #(.IF4(1), .LANES(BLOCK_SIZE)) core (.*);
  fos_mac_code8 #(.LANES(BLOCK_SIZE), .STOP(CODE8_ASSERT)) code8 (.*);
endmodule

module fos_nvfp4_folded_mac #(
    parameter int BLOCK_SIZE = 16,
    parameter bit CODE8_ASSERT = 0
) (
    input  logic        clk,
    input  logic        rst_n,
    input  logic        en,
    input  logic        first,
    input  logic [ 3:0] a_in[BLOCK_SIZE-1:0],
    input  logic [ 7:0] a_sf,
    input  logic [ 3:0] w_in[BLOCK_SIZE-1:0],
    input  logic [ 7:0] w_sf,
    output logic [31:0] acc,
    output logic        done
);
  wire [4*BLOCK_SIZE-1:0] a, w;
  genvar i;
  generate
    for (i = 0; i < BLOCK_SIZE; i = i + 1) begin : g_pack
      assign a[4*i+:4] = a_in[i];
      assign w[4*i+:4] = w_in[i];
    end
  endgenerate
  fos_mac_folded #(.IF4(0), .LANES(BLOCK_SIZE)) core (.*);
  fos_mac_code8 #(.LANES(BLOCK_SIZE), .STOP(CODE8_ASSERT)) code8 (.*);
endmodule

module fos_if4_folded_mac #(
    parameter int BLOCK_SIZE = 16,
    parameter bit CODE8_ASSERT = 0
) (
    input  logic        clk,
    input  logic        rst_n,
    input  logic        en,
    input  logic        first,
    input  logic [ 3:0] a_in[BLOCK_SIZE-1:0],
    input  logic [ 7:0] a_sf,
    input  logic [ 3:0] w_in[BLOCK_SIZE-1:0],
    input  logic [ 7:0] w_sf,
    output logic [31:0] acc,
    output logic        done
);
  wire [4*BLOCK_SIZE-1:0] a, w;
  genvar i;
  generate
    for (i = 0; i < BLOCK_SIZE; i = i + 1) begin : g_pack
      assign a[4*i+:4] = a_in[i];
      assign w[4*i+:4] = w_in[i];
    end
  endgenerate
  fos_mac_folded #(.IF4(1), .LANES(BLOCK_SIZE)) core (.*);
  fos_mac_code8 #(.LANES(BLOCK_SIZE), .STOP(CODE8_ASSERT)) code8 (.*);
endmodule

// Stops a simulation at a code 8 of a beat that is taken.
module fos_mac_code8 #(
    parameter int LANES = 16,
    parameter bit STOP = 0
) (
    input logic               clk,
    input logic               rst_n,
    input logic               en,
    input logic [4*LANES-1:0] a,
    input logic [4*LANES-1:0] w
);
  integer n;
  always @(posedge clk)
    if (STOP && rst_n && en)
      for (n = 0; n < LANES; n = n + 1) begin
        if (a[4*n+:4] == 4'd8) $fatal(1, "code 8 of a in lane %0d", n);
        if (w[4*n+:4] == 4'd8) $fatal(1, "code 8 of w in lane %0d", n);
      end
endmodule
