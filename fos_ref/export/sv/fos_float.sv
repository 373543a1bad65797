// Arithmetic of IEEE binary32 on bit patterns: round to nearest, ties to even, subnormals kept, nothing fused.
// Whole numbers only, no `real`. A NaN result is 7FC00000.
package fos_float;
  localparam [31:0] F32_NAN = 32'h7FC00000;
  localparam [31:0] F32_INF = 32'h7F800000;
  localparam [31:0] F32_MAX = 32'h7F7FFFFF;
  localparam [31:0] F32_ONE = 32'h3F800000;
  localparam [31:0] F32_1_5 = 32'h3FC00000;
  localparam [31:0] F32_SIX = 32'h40C00000;

  function automatic logic f32_is_nan(input logic [31:0] a);
    f32_is_nan = a[30:0] > F32_INF[30:0];
  endfunction

  function automatic logic [31:0] f32_abs(input logic [31:0] a);
    f32_abs = {1'b0, a[30:0]};
  endfunction

  // The significand with its leading bit, and the exponent of its unit: value = f32_sig * 2^f32_unit.
  function automatic logic [23:0] f32_sig(input logic [31:0] a);
    f32_sig = {a[30:23] != 0, a[22:0]};
  endfunction

  function automatic int f32_unit(input logic [31:0] a);
    f32_unit = (a[30:23] == 0 ? 1 : {24'd0, a[30:23]}) - 150;
  endfunction

  // m * 2^e, rounded once. Bit 0 of m may stand for any nonzero part below it.
  function automatic logic [31:0] f32_round(input logic sign, input int e, input logic [63:0] m);
    logic [63:0] n;
    int field, i;
    logic up;
    begin
      n = m;
      field = e + 63 + 127;
      if (!n[63]) begin  // one place is what most operands need
        n = n << 1;
        field = field - 1;
      end
      if (!n[63])
        for (i = 32; i > 0; i = i / 2)
          if ((n >> (64 - i)) == 0) begin
            n = n << i;
            field = field - i;
          end
      if (field < 1) begin
        if (1 - field > 63) n = {63'd0, n != 0};
        else n = (n >> (1 - field)) | {63'd0, (n << (63 + field)) != 0};
      end
      up = n[39:0] > 40'h8000000000 || (n[39:0] == 40'h8000000000 && n[40]);
      if (m == 0) f32_round = {sign, 31'd0};
      else if (field >= 255) f32_round = {sign, F32_INF[30:0]};
      else f32_round = {sign, 31'd0} | ((field < 1 ? 32'd0 : (field - 1) << 23) + {8'd0, n[63:40]} + {31'd0, up});
    end
  endfunction

  function automatic logic [31:0] f32_mul(input logic [31:0] a, input logic [31:0] b);
    logic sign;
    begin
      sign = a[31] ^ b[31];
      if (f32_is_nan(a) || f32_is_nan(b)) f32_mul = F32_NAN;
      else if (a[30:23] == 8'hFF || b[30:23] == 8'hFF)
        f32_mul = (a[30:0] == 0 || b[30:0] == 0) ? F32_NAN : {sign, F32_INF[30:0]};
      else f32_mul = f32_round(sign, f32_unit(a) + f32_unit(b) - 16, {24'd0, f32_sig(a), 16'd0} * {40'd0, f32_sig(b)});
    end
  endfunction

  function automatic logic [31:0] f32_add(input logic [31:0] a, input logic [31:0] b);
    logic [31:0] high, low;
    logic [63:0] m, n;
    int d;
    begin
      high = a[30:0] >= b[30:0] ? a : b;
      low = a[30:0] >= b[30:0] ? b : a;
      m = {1'd0, f32_sig(high), 39'd0};
      n = {1'd0, f32_sig(low), 39'd0};
      d = f32_unit(high) - f32_unit(low);
      if (d > 62) n = {63'd0, n != 0};
      else if (d > 0) n = (n >> d) | {63'd0, (n << (64 - d)) != 0};
      if (f32_is_nan(a) || f32_is_nan(b)) f32_add = F32_NAN;
      else if (high[30:23] == 8'hFF)
        f32_add = (low[30:23] == 8'hFF && high[31] != low[31]) ? F32_NAN : high;
      else if (high[31] == low[31]) f32_add = f32_round(high[31], f32_unit(high) - 39, m + n);
      else f32_add = m == n ? 32'd0 : f32_round(high[31], f32_unit(high) - 39, m - n);
    end
  endfunction

  function automatic logic [31:0] f32_sub(input logic [31:0] a, input logic [31:0] b);
    f32_sub = f32_add(a, {~b[31], b[30:0]});
  endfunction

  // The divisor's leading bit is moved to bit 23, so that the quotient has at least 32 bits.
  function automatic logic [31:0] f32_div(input logic [31:0] a, input logic [31:0] b);
    logic sign;
    logic [63:0] m, n, q;
    int e, i;
    begin
      sign = a[31] ^ b[31];
      m = {40'd0, f32_sig(a)};
      n = {40'd0, f32_sig(b)};
      e = f32_unit(a) - f32_unit(b) - 40;
      for (i = 0; i < 23 && n != 0 && !n[23]; i = i + 1) begin
        n = n << 1;
        e = e + 1;
      end
      if (f32_is_nan(a) || f32_is_nan(b)) f32_div = F32_NAN;
      else if (a[30:23] == 8'hFF) f32_div = b[30:23] == 8'hFF ? F32_NAN : {sign, F32_INF[30:0]};
      else if (b[30:23] == 8'hFF) f32_div = {sign, 31'd0};
      else if (b[30:0] == 0) f32_div = a[30:0] == 0 ? F32_NAN : {sign, F32_INF[30:0]};
      else begin
        for (i = 0; i < 23 && m != 0 && !m[23]; i = i + 1) begin
          m = m << 1;
          e = e - 1;
        end
        m = m << 40;
        q = m / n;
        f32_div = f32_round(sign, e - 23, (q << 23) | {63'd0, q * n != m});
      end
    end
  endfunction

  // a < b for values that are not negative; false for a NaN.
  function automatic logic f32_less(input logic [31:0] a, input logic [31:0] b);
    f32_less = !f32_is_nan(a) && !f32_is_nan(b) && a[30:0] < b[30:0];
  endfunction
endpackage
