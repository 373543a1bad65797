// A unit that adds a block as whole numbers and takes 6/7 or 36/49 in once a block, with one rounding and one adder.
//
// Edge c takes the block's whole sum, c + 1 its value, c + 2 adds it. So if the `first` that ends a segment is taken at
// edge c, the segment's sum is in `acc`, and `done` is 1, from edge c + 2 to the next. No segment is lost. The ports are
// those of fos_mac_core; the rounding is another than in the units with lanes, so the bits are, too.
module fos_mac_folded #(
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
  wire minus;
  wire [11:0] size;
  wire [7:0] sigs;
  wire [5:0] unit;
  fos_mac_whole #(.IF4(IF4), .LANES(LANES)) whole (.*);

  logic [26:0] stage1;
  logic [1:0] ints;
  wire [31:0] value;
  fos_mac_fold #(.IF4(IF4)) fold (
      .minus(stage1[26]), .size(stage1[25:14]), .sigs(stage1[13:6]), .unit(stage1[5:0]), .ints(ints), .value(value)
  );

  logic [31:0] stage2, total;
  wire [31:0] sum;
  fos_fp32_add add (.a(total), .b(stage2), .sum(sum));

  logic taken1, begins1, taken2, begins2, active;
  always_ff @(posedge clk)
    if (!rst_n) {taken1, begins1, taken2, begins2, active, done} <= 6'd0;
    else begin
      {taken1, begins1} <= {en, en && first};
      {taken2, begins2} <= {taken1, begins1};
      if (en) {stage1, ints} <= {minus, size, sigs, unit, a_sf[7], w_sf[7]};
      if (taken1) stage2 <= value;
      if (taken2) total <= begins2 ? stage2 : sum;
      if (begins2) active <= 1'b1;
      done <= begins2 && active;
      if (begins2 && active) acc <= total;
    end
endmodule

// The sum of the element products of a block, exact; the product of both significands; the exponent of their unit, plus 22.
// Without INT4 an element product counts quarters; each INT4 operand doubles what it counts.
module fos_mac_whole #(
    parameter bit IF4 = 1,
    parameter int LANES = 16
) (
    input  logic [4*LANES-1:0] a,
    input  logic [4*LANES-1:0] w,
    input  logic [        7:0] a_sf,
    input  logic [        7:0] w_sf,
    output logic               minus,
    output logic [       11:0] size,  // at most 16 times 144
    output logic [        7:0] sigs,
    output logic [        5:0] unit
);
  wire a_int = IF4 && a_sf[7];
  wire w_int = IF4 && w_sf[7];

  // ---- signed products of 13 bits, then a tree over them ----
  wire [13*LANES-1:0] products;
  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : g_lane
      wire [3:0] a_size, w_size;
      fos_mac_size #(IF4) size_a (.code(a[4*i+:4]), .is_int(a_int), .size(a_size));
      fos_mac_size #(IF4) size_w (.code(w[4*i+:4]), .is_int(w_int), .size(w_size));
      wire [7:0] product = {4'd0, a_size} * {4'd0, w_size};
      wire sign = a[4*i+3] ^ w[4*i+3];
      assign products[13*i+:13] = ({5'd0, product} ^ {13{sign}}) + {12'd0, sign};
    end
  endgenerate
  function automatic [12:0] tree(input [13*LANES-1:0] given);
    reg [13*LANES-1:0] t;
    integer n, k;
    begin
      t = given;
      for (n = LANES / 2; n > 0; n = n / 2)
        for (k = 0; k < n; k = k + 1) t[13*k+:13] = t[26*k+:13] + t[26*k+13+:13];
      tree = t[12:0];
    end
  endfunction
  wire [12:0] total = tree(products);
  assign minus = total[12];
  wire [12:0] positive = minus ? -total : total;
  assign size = positive[11:0];

  // ---- the scale bytes; 7F is read as 7E ----
  wire [6:0] a_low = a_sf[6:0] == 7'h7F ? 7'h7E : a_sf[6:0];
  wire [6:0] w_low = w_sf[6:0] == 7'h7F ? 7'h7E : w_sf[6:0];
  assign sigs = {4'd0, a_low[6:3] != 0, a_low[2:0]} * {4'd0, w_low[6:3] != 0, w_low[2:0]};
  wire [3:0] a_field = a_low[6:3] == 0 ? 4'd1 : a_low[6:3];
  wire [3:0] w_field = w_low[6:3] == 0 ? 4'd1 : w_low[6:3];
  assign unit = {2'd0, a_field} + {2'd0, w_field} + {5'd0, a_int} + {5'd0, w_int};
endmodule

// The magnitude of a code: E2M1 in halves, INT4 in ones.
module fos_mac_size #(
    parameter bit IF4 = 1
) (
    input  logic [3:0] code,
    input  logic       is_int,
    output logic [3:0] size
);
  wire [2:0] low = code[2:0];
  wire [3:0] e2m1 = low[2] ? (low[1] ? {1'b1, low[0], 2'd0} : {1'b0, 1'b1, low[0], 1'b0}) : {2'd0, low[1:0]};
  wire [3:0] int4 = code[3] ? 4'd8 - {1'b0, low} : {1'b0, low};
  assign size = IF4 && is_int ? int4 : e2m1;
endmodule

// size * sigs * 2^(unit - 22), times 6/7 for one INT4 operand and 36/49 for two, rounded once to binary32; a zero is +0.
//
// 30 bits of 6/7 and 32 of 36/49, cut off, are enough: the exact product is at least 1/14 or 1/98 of binary32's last place
// away from the middle of two, and the cut moves it by less than that. It is never such a middle: no sticky bit is needed.
module fos_mac_fold #(
    parameter bit IF4 = 1
) (
    input  logic        minus,
    input  logic [11:0] size,
    input  logic [ 7:0] sigs,
    input  logic [ 5:0] unit,
    input  logic [ 1:0] ints,   // of no meaning without IF4
    output logic [31:0] value
);
  wire [18:0] exact = {7'd0, size} * {11'd0, sigs};  // at most 2304 * 225
  wire [4:0] left;
  fos_lead32 lead (.bits({exact, 13'h1FFF}), .left(left));
  wire [18:0] norm = exact << left;
  wire [7:0] field = 8'd123 + {2'd0, unit} - {3'd0, left};
  wire [30:0] plain = {field, norm[17:0], 5'd0};
  wire [30:0] positive;
  generate
    if (IF4) begin : g_ratio
      wire [50:0] x = {32'd0, norm};
      wire [50:0] x54 = (x << 6) - (x << 3) - (x << 1);
      wire [50:0] x3510 = (x54 << 6) + x54;
      wire [50:0] one = (x3510 << 20) + (x3510 << 8) + (x54 << 2);  // times DB6DB6D8
      wire [50:0] both = (x << 32) - (x << 30) - (x << 26) + (x << 20) + (x << 18) + (x << 15) + (x << 14) + (x << 13)
                       + (x << 10) + (x << 9) - (x << 5);  // times BC14E5E0
      wire [50:0] wide = &ints ? both : one;
      wire [24:0] top = wide[50] ? wide[50:26] : wide[49:25];
      wire [30:0] less = {field - {7'd0, !wide[50]}, top[23:1]} + {30'd0, top[0]};
      assign positive = |ints ? less : plain;
    end else begin : g_exact
      assign positive = plain;
    end
  endgenerate
  assign value = exact == 0 ? 32'd0 : {minus, positive};
endmodule
