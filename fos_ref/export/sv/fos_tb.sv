// Checks the four modules of fos_dut.sv against every block of a recipe's files.
//
//   iverilog -g2012 -o sim fos_float.sv fos_formats.sv 4over6/fos_vectors.sv fos_dut.sv fos_tb.sv
//   vvp -n sim +dir=4over6
//
// +only=e2m1|e4m3|select|block runs one of the checks. The exit code is not 0 after any difference; the first ten
// are printed, with the vector's id. What a recipe does that fos_dut.sv does not is said, and is no pass.
module fos_tb;
  import fos_float::*, fos_formats::*, fos_vectors::*, fos_dut::*;

  localparam SHOWN = 10;

  // ---- the files: one memory a column; a word that was not read is x, which is an error ----
`define COLUMN(width, name) reg [width-1:0] name[0:BLOCKS-1];
  `COLUMN(W_VECTOR, vector)
  `COLUMN(W_ROW, row)
  `COLUMN(W_COL, col)
  `COLUMN(W_X, x)
  `COLUMN(W_TENSOR_AMAX, tensor_amax)
  `COLUMN(W_ENCODE_SCALE, encode_scale)
  `COLUMN(W_DECODE_SCALE, decode_scale)
  `COLUMN(W_PRESENT, present)
  `COLUMN(W_MAP6_BASE, map6_base)
  `COLUMN(W_MAP6_BLOCK_SCALE, map6_block_scale)
  `COLUMN(W_MAP6_SCALED, map6_scaled)
  `COLUMN(W_MAP6_ELEMENT_CODES, map6_element_codes)
  `COLUMN(W_MAP6_ERROR, map6_error)
  `COLUMN(W_MAP4_BASE, map4_base)
  `COLUMN(W_MAP4_BLOCK_SCALE, map4_block_scale)
  `COLUMN(W_MAP4_SCALED, map4_scaled)
  `COLUMN(W_MAP4_ELEMENT_CODES, map4_element_codes)
  `COLUMN(W_MAP4_ERROR, map4_error)
  `COLUMN(W_PICKED4, picked4)
  `COLUMN(W_BLOCK_SCALE, block_scale)
  `COLUMN(W_CODES, codes)

  string dir;
  integer i;

  // How many words a file has: a simulator without x would read 0 from a file that is not there.
  reg [63:0] word;
  function automatic integer words(input string path);
    integer file;
    begin
      words = 0;
      file = $fopen(path, "r");
      if (file != 0) begin
        while ($fscanf(file, "%s", word) == 1) words = words + 1;
        $fclose(file);
      end
    end
  endfunction

`define LOAD(name) \
    if (words({dir, `"/name.memh`"}) != BLOCKS) begin \
      $display(`"FAIL: %0s/name.memh: %0d words are allowed, one a block`", dir, BLOCKS); \
      $fatal(1, "the vectors could not be read"); \
    end \
    $readmemh({dir, `"/name.memh`"}, name); \
    for (i = 0; i < BLOCKS; i = i + 1) \
      if (^name[i] === 1'bx) begin \
        $display(`"FAIL: %0s/name.memh: line %0d is not hexadecimal`", dir, i + 1); \
        $fatal(1, "the vectors could not be read"); \
      end

  task automatic load;
    begin
      `LOAD(vector)
      `LOAD(row)
      `LOAD(col)
      `LOAD(x)
      `LOAD(tensor_amax)
      `LOAD(encode_scale)
      `LOAD(decode_scale)
      `LOAD(present)
      `LOAD(map6_base)
      `LOAD(map6_block_scale)
      `LOAD(map6_scaled)
      `LOAD(map6_element_codes)
      `LOAD(map6_error)
      `LOAD(map4_base)
      `LOAD(map4_block_scale)
      `LOAD(map4_scaled)
      `LOAD(map4_element_codes)
      `LOAD(map4_error)
      `LOAD(picked4)
      `LOAD(block_scale)
      `LOAD(codes)
    end
  endtask

  // ---- what is compared, and what is said about it ----
  integer checked = 0, wrong = 0, refused = 0;

  // The first two words of line n of ids.txt: the id of vector n and its flags.
  reg [8*96-1:0] id;
  reg [8*512-1:0] flags;
  task automatic find_id(input integer n);
    integer file, k, code;
    begin
      id = "?";
      flags = "?";
      file = $fopen({dir, "/ids.txt"}, "r");
      for (k = 0; k <= n && file != 0; k = k + 1) begin
        code = $fscanf(file, "%s %s", id, flags);
        while (!$feof(file) && $fgetc(file) != "\n");
      end
      if (file != 0) $fclose(file);
    end
  endtask

  task automatic check(input string what, input integer block, input integer element, input logic [1023:0] got,
                       input logic [1023:0] want);
    begin
      checked = checked + 1;
      if (got !== want) begin
        wrong = wrong + 1;
        if (wrong <= SHOWN) begin
          find_id(vector[block]);
          $display("%0s: block at row %0d, column %0d: %s[%0d] is %0h, expected %0h (%0s)", id, row[block], col[block],
                   what, element, got, want, flags);
        end
      end
    end
  endtask

  // ---- the designs ----
  f32_t e2m1_x, e4m3_x;
  e2m1_t e2m1_code;
  e4m3_t e4m3_code;
  fos_e2m1_encode e2m1_dut (.x(e2m1_x), .code(e2m1_code));
  fos_e4m3_encode e4m3_dut (.x(e4m3_x), .code(e4m3_code));

  integer at = 0;  // the block that is on the ports
  logic select_picked4;
  e4m3_t select_scale;
  logic [4*ELEMENTS-1:0] select_codes;
  logic choose;
  f32_t select_e6, select_e4;
  e4m3_t select_s6, select_s4;
  logic [4*ELEMENTS-1:0] select_c6, select_c4;
  fos_select #(
      .ELEMENTS(ELEMENTS)
  ) select_dut (
      .choose(choose),
      .map6_error(select_e6),
      .map4_error(select_e4),
      .map6_block_scale(select_s6),
      .map4_block_scale(select_s4),
      .map6_codes(select_c6),
      .map4_codes(select_c4),
      .picked4(select_picked4),
      .block_scale(select_scale),
      .codes(select_codes)
  );

  logic [32*ELEMENTS-1:0] block_x;
  f32_t block_a, block_s, block_d, block_e6, block_e4;
  logic block_picked4;
  e4m3_t block_byte;
  logic [4*ELEMENTS-1:0] block_codes;
  fos_block #(
      .ROWS(BLOCK_ROWS),
      .COLS(BLOCK_COLS),
      .C(SCALE_MAX == 256 ? 32'h44C00000 : 32'h45280000),
      .CHOOSE(CANDIDATES == "4/6"),
      .METRIC(ERROR_METRIC == "mae" ? 1 : ERROR_METRIC == "absmax" ? 2 : 0)
  ) block_dut (
      .x(block_x),
      .tensor_amax(block_a),
      .encode_scale(block_s),
      .decode_scale(block_d),
      .map6_error(block_e6),
      .map4_error(block_e4),
      .picked4(block_picked4),
      .block_scale(block_byte),
      .codes(block_codes)
  );

  // ---- the checks ----
  task automatic check_e2m1(input string what, input integer b, input logic [32*ELEMENTS-1:0] scaled,
                            input logic [4*ELEMENTS-1:0] want);
    integer k;
    for (k = 0; k < ELEMENTS; k = k + 1) begin
      e2m1_x = scaled[32*k+:32];
      #1 check(what, b, k, e2m1_code, want[4*k+:4]);
    end
  endtask

  task automatic check_e4m3(input string what, input integer b, input f32_t base, input e4m3_t want);
    begin
      e4m3_x = base;
      #1 check(what, b, 0, e4m3_code, want);
    end
  endtask

  task automatic check_select(input integer b);
    begin
      choose = present[b][2];
      select_e6 = map6_error[b];
      select_e4 = map4_error[b];
      select_s6 = map6_block_scale[b];
      select_s4 = map4_block_scale[b];
      select_c6 = map6_element_codes[b];
      select_c4 = map4_element_codes[b];
      #1 check("select picked4", b, 0, select_picked4, picked4[b]);
      check("select block_scale", b, 0, select_scale, block_scale[b]);
      check("select codes", b, 0, select_codes, codes[b]);
    end
  endtask

  task automatic check_block(input integer b);
    begin
      block_x = x[b];
      block_a = tensor_amax[b];
      block_s = encode_scale[b];
      block_d = decode_scale[b];
      #1 check("block map6_error", b, 0, block_e6, map6_error[b]);
      check("block map4_error", b, 0, block_e4, map4_error[b]);
      check("block picked4", b, 0, block_picked4, picked4[b]);
      check("block block_scale", b, 0, block_byte, block_scale[b]);
      check("block codes", b, 0, block_codes, codes[b]);
    end
  endtask

  // ---- which checks ----
  string only;

  // Whether a check is wanted; one that is, and that fos_dut.sv does not have, fails the run.
  function automatic logic wanted(input string name, input logic has);
    begin
      wanted = (only == "" || only == name) && has;
      if ((only == "" || only == name) && !has) begin
        refused = refused + 1;
        $display("%s: not checked: fos_dut.sv does not do what this recipe says", name);
      end
    end
  endfunction

  logic run_e2m1, run_e4m3, run_select, run_block;
  initial begin
    if (!$value$plusargs("dir=%s", dir)) dir = RECIPE;
    if (!$value$plusargs("only=%s", only)) only = "";
    load;
    run_e2m1 = wanted("e2m1", HAS_E2M1);
    run_e4m3 = wanted("e4m3", HAS_E4M3);
    run_select = wanted("select", HAS_SELECT);
    run_block = wanted("block", HAS_BLOCK);
    for (at = 0; at < BLOCKS; at = at + 1) begin
      if (run_e2m1 && present[at][0]) check_e2m1("e2m1 map6_element_codes", at, map6_scaled[at], map6_element_codes[at]);
      if (run_e2m1 && present[at][1]) check_e2m1("e2m1 map4_element_codes", at, map4_scaled[at], map4_element_codes[at]);
      if (run_e4m3 && present[at][0]) check_e4m3("e4m3 map6_block_scale", at, map6_base[at], map6_block_scale[at]);
      if (run_e4m3 && present[at][1]) check_e4m3("e4m3 map4_block_scale", at, map4_base[at], map4_block_scale[at]);
      if (run_select) check_select(at);
      if (run_block) check_block(at);
    end
    if (wrong > SHOWN) $display("and %0d more", wrong - SHOWN);
    if (wrong == 0 && refused == 0 && checked > 0) $display("PASS: %s: %0d blocks, %0d comparisons", RECIPE, BLOCKS, checked);
    else begin
      $display("FAIL: %s: %0d blocks, %0d comparisons, %0d differ, %0d checks not run", RECIPE, BLOCKS, checked, wrong,
               refused);
      $fatal(1, "not every bit is as expected");
    end
    $finish(0);
  end
endmodule
