// IEEE binary32 addition and multiplication as combinational circuits: round to nearest, ties to even. A NaN is 7FC00000.

// Every operand is allowed: subnormals, infinities, NaNs. x - x is +0.
module fos_fp32_add (
    input  logic [31:0] a,
    input  logic [31:0] b,
    output logic [31:0] sum
);
  /*verilator no_inline_module*/
  // ---- the larger magnitude first; three bits below the significand: guard, round, sticky ----
  wire swap = b[30:0] > a[30:0];
  wire [31:0] high = swap ? b : a;
  wire [31:0] low = swap ? a : b;
  wire [7:0] high_field = high[30:23] == 0 ? 8'd1 : high[30:23];
  wire [7:0] low_field = low[30:23] == 0 ? 8'd1 : low[30:23];
  wire [7:0] apart = high_field - low_field;
  wire [26:0] high_sig = {high[30:23] != 0, high[22:0], 3'd0};
  wire [26:0] low_sig = {low[30:23] != 0, low[22:0], 3'd0};
  wire [26:0] down16 = apart[4] ? low_sig >> 16 : low_sig;
  wire [26:0] down8 = apart[3] ? down16 >> 8 : down16;
  wire [26:0] down4 = apart[2] ? down8 >> 4 : down8;
  wire [26:0] down2 = apart[1] ? down4 >> 2 : down4;
  wire [26:0] down1 = apart[0] ? down2 >> 1 : down2;
  wire far = apart[7:5] != 0;
  wire lost = (far && low_sig != 0) || (apart[4] && low_sig[15:0] != 0) || (apart[3] && down16[7:0] != 0)
           || (apart[2] && down8[3:0] != 0) || (apart[1] && down4[1:0] != 0) || (apart[0] && down2[0]);
  wire [26:0] aligned = {far ? 26'd0 : down1[26:1], (down1[0] && !far) || lost};

  // ---- the sum, then its leading bit to bit 27; a subnormal sum stops where its exponent does ----
  wire minus = high[31] ^ low[31];
  wire [27:0] total = {1'b0, high_sig} + ({28{minus}} ^ {1'b0, aligned}) + {27'd0, minus};
  wire [27:0] floor = high_field > 8'd27 ? 28'd0 : 28'h8000000 >> high_field[4:0];
  wire [4:0] left;
  fos_lead32 lead (.bits({total | floor, 4'hF}), .left(left));
  wire [27:0] norm = total << left;
  wire [8:0] field = norm[27] ? {1'b0, high_field} + 9'd1 - {4'd0, left} : 9'd0;

  // ---- one rounding ----
  wire up = norm[3] && (norm[2:0] != 0 || norm[4]);
  wire [31:0] rounded = {field, norm[26:4]} + {31'd0, up};
  wire special = high[30:23] == 8'hFF;
  wire nan = special && (high[22:0] != 0 || (low[30:23] == 8'hFF && minus));
  wire infinite = special || rounded[31:23] >= 9'd255;
  assign sum = nan ? 32'h7FC00000
             : infinite ? {high[31], 8'hFF, 23'd0}
             : {total == 0 ? high[31] && !minus : high[31], rounded[30:0]};
endmodule

// Only the upper A_BITS and B_BITS of the 24 bits of the significands may be 1. With SUBNORMAL = 0 a subnormal operand
// counts as zero, a result below 2^-126 before rounding is zero, and no operand is infinite or NaN.
module fos_fp32_mul #(
    parameter int A_BITS = 24,
    parameter int B_BITS = 24,
    parameter bit SUBNORMAL = 1
) (
    input  logic [31:0] a,
    input  logic [31:0] b,
    output logic [31:0] product
);
  /*verilator no_inline_module*/
  wire sign = a[31] ^ b[31];
  wire [23:0] a_sig, b_sig;  // the leading bit is 1 but for a zero
  wire signed [10:0] a_exp, b_exp;  // the biased exponent, that of a subnormal continued downwards
  generate
    if (SUBNORMAL) begin : g_any
      fos_fp32_lead lead_a (.bits(a[30:0]), .sig(a_sig), .exponent(a_exp));
      fos_fp32_lead lead_b (.bits(b[30:0]), .sig(b_sig), .exponent(b_exp));
    end else begin : g_normal
      assign a_sig = a[30:23] == 0 ? 24'd0 : {1'b1, a[22:0]};
      assign b_sig = b[30:23] == 0 ? 24'd0 : {1'b1, b[22:0]};
      assign a_exp = {3'd0, a[30:23]};
      assign b_exp = {3'd0, b[30:23]};
    end
  endgenerate
  wire zero = !a_sig[23] || !b_sig[23];

  // ---- the exact product, its leading bit to bit 47 ----
  localparam int WIDE = A_BITS + B_BITS;
  wire [A_BITS-1:0] a_top = a_sig[23-:A_BITS];
  wire [B_BITS-1:0] b_top = b_sig[23-:B_BITS];
  wire [WIDE-1:0] exact = {{B_BITS{1'b0}}, a_top} * {{A_BITS{1'b0}}, b_top};
  wire [47:0] wide = {exact, {(48 - WIDE) {1'b0}}};
  wire carry = wide[47];
  wire [47:0] norm = carry ? wide : wide << 1;
  wire signed [10:0] exponent = a_exp + b_exp - 11'sd127 + {10'd0, carry};

  // ---- one rounding; a subnormal result is shifted down first ----
  wire tiny = exponent < 11'sd1;
  wire [24:0] top;  // the significand and the bit below it
  wire rest;
  generate
    if (SUBNORMAL) begin : g_down
      wire [10:0] down = tiny ? 11'd1 - exponent : 11'd0;
      wire [4:0] by = down > 11'd25 ? 5'd26 : down[4:0];
      assign top = norm[47:23] >> by;
      assign rest = norm[22:0] != 0 || (top << by) != norm[47:23];
    end else begin : g_flush
      assign top = norm[47:23];
      assign rest = norm[22:0] != 0;
    end
  endgenerate
  wire up = top[0] && (rest || top[1]);
  wire [10:0] field = tiny ? 11'd0 : exponent;
  wire [33:0] rounded = {field, top[23:1]} + {33'd0, up};
  wire [31:0] finite = zero || (tiny && !SUBNORMAL) ? {sign, 31'd0}
                     : rounded[33:23] >= 11'd255 ? {sign, 8'hFF, 23'd0} : {sign, rounded[30:0]};

  generate
    if (SUBNORMAL) begin : g_special
      wire a_big = a[30:23] == 8'hFF;
      wire b_big = b[30:23] == 8'hFF;
      wire nan = (a_big && (a[22:0] != 0 || b[30:0] == 0)) || (b_big && (b[22:0] != 0 || a[30:0] == 0));
      assign product = nan ? 32'h7FC00000 : a_big || b_big ? {sign, 8'hFF, 23'd0} : finite;
    end else begin : g_plain
      assign product = finite;
    end
  endgenerate
endmodule

// A magnitude with its leading bit at the top; that of a subnormal number is moved there.
module fos_fp32_lead (
    input  logic [30:0] bits,
    output logic [23:0] sig,
    output logic signed [10:0] exponent
);
  wire [23:0] given = {bits[30:23] != 0, bits[22:0]};
  wire [4:0] left;
  fos_lead32 lead (.bits({given, 8'hFF}), .left(left));
  assign sig = given << left;
  assign exponent = (bits[30:23] == 0 ? 11'sd1 : {3'd0, bits[30:23]}) - {6'd0, left};
endmodule

// How many zeros stand above the highest 1; 31 where there is none above bit 0.
module fos_lead32 (
    input  logic [31:0] bits,
    output logic [ 4:0] left
);
  wire z16 = bits[31:16] == 0;
  wire [15:0] b16 = z16 ? bits[15:0] : bits[31:16];
  wire z8 = b16[15:8] == 0;
  wire [7:0] b8 = z8 ? b16[7:0] : b16[15:8];
  wire z4 = b8[7:4] == 0;
  wire [3:0] b4 = z4 ? b8[3:0] : b8[7:4];
  wire z2 = b4[3:2] == 0;
  assign left = {z16, z8, z4, z2, z2 ? !b4[1] : !b4[3]};
endmodule
