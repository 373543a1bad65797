// What stands before the adders of a unit: element products, the product of the block scales, and one lane.

// The magnitude of a code as sig/4 * 2^exponent/2, sig 4 to 7, and 0 for a zero. E2M1; or INT4 from -8 to 7.
module fos_mac_code #(
    parameter bit IF4 = 1
) (
    input  logic [3:0] code,
    input  logic       is_int,    // of no meaning without IF4
    output logic       sign,
    output logic [2:0] sig,
    output logic [2:0] exponent
);
  wire [2:0] low = code[2:0];
  wire [3:0] size = code[3] ? 4'd8 - {1'b0, low} : {1'b0, low};
  assign sign = code[3];
  wire [5:0] int4 = size[3] ? {3'd4, 3'd4}
                      : size[2] ? {size[2:0], 3'd3}
                      : size[1] ? {size[1:0], 1'b0, 3'd2}
                      : size[0] ? {3'd4, 3'd1} : 6'd0;
  wire [5:0] e2m1 = low[2:1] != 0 ? {1'b1, low[0], 1'b0, 1'b0, low[2:1]} : {low[0], 5'd0};
  assign {sig, exponent} = IF4 && is_int ? int4 : e2m1;
endmodule

// The exact product of two codes as binary32: 4 significant bits for E2M1, 6 with INT4. A zero has the XOR of both signs.
module fos_mac_element #(
    parameter bit IF4 = 1
) (
    input  logic [ 3:0] a,
    input  logic [ 3:0] w,
    input  logic        a_int,
    input  logic        w_int,
    output logic [31:0] product
);
  wire a_sign, w_sign;
  wire [2:0] a_sig, w_sig, a_exp, w_exp;
  fos_mac_code #(IF4) code_a (.code(a), .is_int(a_int), .sign(a_sign), .sig(a_sig), .exponent(a_exp));
  fos_mac_code #(IF4) code_w (.code(w), .is_int(w_int), .sign(w_sign), .sig(w_sig), .exponent(w_exp));
  wire [5:0] wide = {3'd0, a_sig} * {3'd0, w_sig};
  wire [4:0] fraction = wide[5] ? wide[4:0] : {wide[3:0], 1'b0};
  wire [7:0] field = 8'd125 + {5'd0, a_exp} + {5'd0, w_exp} + {7'd0, wide[5]};
  assign product = {a_sign ^ w_sign, wide == 0 ? 13'd0 : {field, fraction}, 18'd0};
endmodule

// The product of two scale bytes as binary32: exact, 8 significant bits; 7F counts as 448, and a zero gives +0.
module fos_mac_scale_product (
    input  logic [ 7:0] a,
    input  logic [ 7:0] w,
    output logic [31:0] product
);
  wire [3:0] a_sig, w_sig;
  wire [4:0] a_exp, w_exp;
  fos_mac_scale scale_a (.low(a[6:0]), .sig(a_sig), .exponent(a_exp));
  fos_mac_scale scale_w (.low(w[6:0]), .sig(w_sig), .exponent(w_exp));
  wire [7:0] wide = {4'd0, a_sig} * {4'd0, w_sig};
  wire [6:0] fraction = wide[7] ? wide[6:0] : {wide[5:0], 1'b0};
  wire [7:0] field = 8'd109 + {3'd0, a_exp} + {3'd0, w_exp} + {7'd0, wide[7]};
  assign product = {1'b0, wide == 0 ? 15'd0 : {field, fraction}, 16'd0};
endmodule

// A scale byte without bit 7 as sig/8 * 2^(exponent - 9), sig 8 to 15, and 0 for a zero.
module fos_mac_scale (
    input  logic [6:0] low,
    output logic [3:0] sig,
    output logic [4:0] exponent
);
  wire [6:0] read = low == 7'h7F ? 7'h7E : low;
  assign {sig, exponent} = read[6:3] != 0 ? {1'b1, read[2:0], {1'b0, read[6:3]} + 5'd2}
                         : read[2] ? {read[2:0], 1'b0, 5'd2}
                         : read[1] ? {read[1:0], 2'd0, 5'd1}
                         : read[0] ? {4'd8, 5'd0} : 9'd0;
endmodule

// What the lanes are multiplied by. IF4: one INT4 operand takes RN(6/7) in, two take RN(36/49); one rounding.
module fos_mac_scales #(
    parameter bit IF4 = 1
) (
    input  logic [ 7:0] a,
    input  logic [ 7:0] w,
    output logic [31:0] factor
);
  wire [31:0] exact;
  fos_mac_scale_product scales (.a(a), .w(w), .product(exact));
  generate
    if (IF4) begin : g_if4
      wire [31:0] by = a[7] && w[7] ? 32'h3F3C14E6 : 32'h3F5B6DB7;
      wire [31:0] folded;
      fos_fp32_mul #(.A_BITS(8), .B_BITS(24), .SUBNORMAL(0)) fold (.a(exact), .b(by), .product(folded));
      assign factor = a[7] || w[7] ? folded : exact;
    end else begin : g_nvfp4
      assign factor = exact;
    end
  endgenerate
endmodule

// The products of LANES lanes under a pair of scale bytes; lane i in bits 32i+31 to 32i. Exact without INT4.
module fos_mac_multiply #(
    parameter bit IF4 = 1,
    parameter int LANES = 16
) (
    input  logic [ 4*LANES-1:0] a,
    input  logic [ 4*LANES-1:0] w,
    input  logic [         7:0] a_sf,
    input  logic [         7:0] w_sf,
    output logic [32*LANES-1:0] products
);
  wire [31:0] factor;
  fos_mac_scales #(IF4) scales (.a(a_sf), .w(w_sf), .factor(factor));
  genvar i;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : g_lane
      wire [31:0] element;
      fos_mac_element #(IF4) codes (
          .a(a[4*i+:4]), .w(w[4*i+:4]), .a_int(a_sf[7]), .w_int(w_sf[7]), .product(element)
      );
      fos_fp32_mul #(.A_BITS(IF4 ? 6 : 4), .B_BITS(IF4 ? 24 : 8), .SUBNORMAL(0)) lane (
          .a(element), .b(factor), .product(products[32*i+:32])
      );
    end
  endgenerate
endmodule
