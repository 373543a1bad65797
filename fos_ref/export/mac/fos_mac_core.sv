// The units behind their ports: lanes of binary32, and a reducer over them. Ports are vectors, lane i in bits 4i+3 to 4i.

module fos_mac_core #(
    parameter bit IF4 = 1,
    parameter int LANES = 16
) (
    input  logic               clk,
    input  logic               rst_n,
    input  logic               en,
    input  logic               first,
    input  logic [4*LANES-1:0] a,
    input  logic [        7:0] a_sf,
    input  logic [4*LANES-1:0] w,
    input  logic [        7:0] w_sf,
    output logic [       31:0] acc,
    output logic               done
);
  wire [32*LANES-1:0] products;
  fos_mac_multiply #(.IF4(IF4), .LANES(LANES)) multiply (.*);
  fos_mac_accumulate #(.LANES(LANES)) accumulate (.*);
endmodule

// Edge c takes the products, c + 1 adds them to the lanes, c + 2 hands a finished segment's lanes to the reducer.
module fos_mac_accumulate #(
    parameter int LANES = 16
) (
    input  logic                clk,
    input  logic                rst_n,
    input  logic                en,
    input  logic                first,
    input  logic [32*LANES-1:0] products,
    output logic [        31:0] acc,
    output logic                done
);
  logic taken, begins, active;
  logic [32*LANES-1:0] mul, lane;
  wire [32*LANES-1:0] sum;
  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : g_lane
      fos_fp32_add add (.a(lane[32*i+:32]), .b(mul[32*i+:32]), .sum(sum[32*i+:32]));
    end
  endgenerate

  logic ended;
  logic [32*LANES-1:0] snapshot;
  always_ff @(posedge clk)
    if (!rst_n) {taken, begins, active, ended} <= 4'd0;
    else begin
      taken <= en;
      begins <= en && first;
      if (en) mul <= products;
      if (taken) lane <= begins ? mul : sum;
      if (begins) active <= 1'b1;
      ended <= begins && active;
      if (begins) snapshot <= lane;
    end

  // ---- the tree: level n adds neighbours, (0,1), (2,3), ..., of what level n - 1 left ----
  localparam int LEVELS = $clog2(LANES);
  logic [LEVELS-1:0] level;  // one-hot: which addition comes next; 0: free
  logic [32*LANES-1:0] left;
  wire [16*LANES-1:0] half;
  generate
    for (i = 0; i < LANES / 2; i = i + 1) begin : g_pair
      fos_fp32_add add (.a(left[64*i+:32]), .b(left[64*i+32+:32]), .sum(half[32*i+:32]));
    end
  endgenerate
  always_ff @(posedge clk)
    if (!rst_n) {level, done} <= 0;
    else begin
      done <= level[LEVELS-1];
      if (level[LEVELS-1]) acc <= half[31:0];
      if (level != 0) begin
        level <= level << 1;
        left <= {{16 * LANES{1'b0}}, half};
      end else if (ended) begin
        level <= 1;
        left <= snapshot;
      end
    end
endmodule
