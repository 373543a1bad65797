// E2M1 and E4M3: codes, and the conversions from and to binary32.
package fos_formats;
  import fos_float::*;

  typedef logic [31:0] f32_t;   // the bits of a binary32
  typedef logic [3:0] e2m1_t;   // sign, two exponent bits, one fraction bit
  typedef logic [7:0] e4m3_t;   // sign, four exponent bits, three fraction bits; a block scale has no sign

  localparam e2m1_t E2M1_MAX = 4'h7;   // 6
  localparam e4m3_t E4M3_MAX = 8'h7E;  // 448
  localparam e4m3_t E4M3_NAN = 8'h7F;

  // Nearest, midpoints to the even code, 7 for whatever is larger and for NaN; the sign bit is kept.
  function automatic e2m1_t f32_to_e2m1(input f32_t x);
    logic [30:0] m;
    logic [2:0] code;
    begin
      m = x[30:0];
      if (m <= 31'h3E800000) code = 3'd0;       // 0.25
      else if (m < 31'h3F400000) code = 3'd1;   // 0.75
      else if (m <= 31'h3FA00000) code = 3'd2;  // 1.25
      else if (m < 31'h3FE00000) code = 3'd3;   // 1.75
      else if (m <= 31'h40200000) code = 3'd4;  // 2.5
      else if (m < 31'h40600000) code = 3'd5;   // 3.5
      else if (m <= 31'h40A00000) code = 3'd6;  // 5
      else code = 3'd7;
      f32_to_e2m1 = f32_is_nan(x) ? E2M1_MAX : {x[31], code};
    end
  endfunction

  function automatic f32_t e2m1_to_f32(input e2m1_t code);
    case (code[2:0])
      3'd0: e2m1_to_f32 = {code[3], 31'h00000000};
      3'd1: e2m1_to_f32 = {code[3], 31'h3F000000};
      3'd2: e2m1_to_f32 = {code[3], 31'h3F800000};
      3'd3: e2m1_to_f32 = {code[3], 31'h3FC00000};
      3'd4: e2m1_to_f32 = {code[3], 31'h40000000};
      3'd5: e2m1_to_f32 = {code[3], 31'h40400000};
      3'd6: e2m1_to_f32 = {code[3], 31'h40800000};
      default: e2m1_to_f32 = {code[3], 31'h40C00000};
    endcase
  endfunction

  // Of a value that is not negative: nearest, ties to even, subnormals kept, 448 for whatever is larger.
  function automatic e4m3_t f32_to_e4m3(input f32_t x);
    logic [23:0] sig, shifted, rest, half;
    logic [7:0] kept;
    int cut;
    begin
      sig = f32_sig(x);
      cut = x[30:23] >= 8'd121 ? 20 : -9 - f32_unit(x);  // bits below the last one that stays
      if (cut > 24) begin
        kept = 8'd0;
        rest = 24'd0;
        half = 24'd1;
      end else begin
        shifted = sig >> cut;
        kept = shifted[7:0];
        rest = sig & ((24'd1 << cut) - 24'd1);
        half = 24'd1 << (cut - 1);
      end
      if (x[30:23] >= 8'd121) kept = ((x[30:23] - 8'd121) << 3) + kept;
      if (rest > half || (rest == half && kept[0])) kept = kept + 8'd1;
      if (f32_is_nan(x)) f32_to_e4m3 = E4M3_NAN;
      else if (x[30:0] >= 31'h43E00000) f32_to_e4m3 = E4M3_MAX;
      else f32_to_e4m3 = kept;
    end
  endfunction

  function automatic f32_t e4m3_to_f32(input e4m3_t code);
    if (code[6:0] == 7'h7F) e4m3_to_f32 = F32_NAN;
    else if (code[6:3] == 0) e4m3_to_f32 = f32_round(code[7], -9, {61'd0, code[2:0]});
    else e4m3_to_f32 = {code[7], {4'd0, code[6:3]} + 8'd120, code[2:0], 20'd0};
  endfunction
endpackage
