// Checks the four modules of fos_dut.sv against every block of a recipe's files.
//
//   iverilog -g2012 -o sim fos_float.sv fos_formats.sv 4over6/fos_vectors.sv fos_dut.sv fos_tb.sv
//   vvp -n sim +dir=4over6
//
// +only=e2m1|e4m3|select|block runs one of the checks. The exit code is not 0 after any difference. The first difference
// of each of the first ten vectors is printed, the vector's id first; at the end stands which mistakes it looks like.
// What a recipe does that fos_dut.sv does not is said, and is no pass.
/* verilator lint_off WIDTH */  // `check` compares numbers of every width, axes are texts of every length
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
  reg [W_FLAGS-1:0] flags[0:VECTORS-1];  // bit k of a vector's word: it shows the mistake on line k of flags.txt

  string dir;
  string only;
  logic run_e2m1, run_e4m3, run_select, run_block;
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

`define LOAD(name) `LOAD_FOR(name, BLOCKS, "block")
`define LOAD_FOR(name, count, row) \
    if (words({dir, `"/name.memh`"}) != count) begin \
      $display(`"FAIL: %0s/name.memh: %0d words are allowed, one a %0s`", dir, count, row); \
      $fatal(1, "the vectors could not be read"); \
    end \
    $readmemh({dir, `"/name.memh`"}, name); \
    for (i = 0; i < count; i = i + 1) \
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
      `LOAD_FOR(flags, VECTORS, "vector")
    end
  endtask

  // ---- what is compared, and what is said about it ----
  integer checked = 0, wrong = 0, refused = 0, vectors_wrong = 0;
  reg [VECTORS-1:0] tried = 0;   // vectors that were compared
  reg [VECTORS-1:0] failed = 0;  // vectors with a difference
  reg [VECTORS-1:0] judged = 0;  // of these, by the result where the check `block` runs: its codes or its scale byte

  // The first two words of line n of ids.txt: the id of vector n and its flags.
  reg [8*96-1:0] id;
  reg [8*512-1:0] shown;
  task automatic find_id(input integer n);
    integer file, k, code;
    begin
      id = "?";
      shown = "?";
      file = $fopen({dir, "/ids.txt"}, "r");
      for (k = 0; k <= n && file != 0; k = k + 1) begin
        code = $fscanf(file, "%s %s", id, shown);
        while (!$feof(file) && $fgetc(file) != "\n");
      end
      if (file != 0) $fclose(file);
    end
  endtask

  task automatic check(input string what, input integer block, input integer element, input logic [1023:0] got,
                       input logic [1023:0] want);
    begin
      checked = checked + 1;
      tried[vector[block]] = 1;
      if (got !== want) begin
        wrong = wrong + 1;
        if (!run_block || what == "block codes" || what == "block block_scale") judged[vector[block]] = 1;
        if (!failed[vector[block]]) begin
          failed[vector[block]] = 1;
          vectors_wrong = vectors_wrong + 1;
          if (vectors_wrong <= SHOWN) begin
            find_id(vector[block]);
            $display("%0s: block at row %0d, column %0d: %s[%0d] is %0h, expected %0h (%0s)", id, row[block],
                     col[block], what, element, got, want, shown);
          end
        end
      end
    end
  endtask

  // ---- which mistakes it looks like ----
  reg [8*96-1:0] flag_name[0:W_FLAGS-1];
  integer of_flag[0:W_FLAGS-1], failed_of[0:W_FLAGS-1];
  reg [W_FLAGS-1:0] said = 0;

  task automatic count_flags;
    integer file, k, v, code;
    begin
      file = $fopen({dir, "/flags.txt"}, "r");
      for (k = 0; k < FLAGS; k = k + 1) begin
        flag_name[k] = "?";
        if (file != 0) code = $fscanf(file, "%s", flag_name[k]);
        of_flag[k] = 0;
        failed_of[k] = 0;
        for (v = 0; v < VECTORS; v = v + 1)
          if (flags[v][k] && tried[v]) begin
            of_flag[k] = of_flag[k] + 1;
            if (judged[v]) failed_of[k] = failed_of[k] + 1;
          end
      end
      if (file != 0) $fclose(file);
    end
  endtask

  // The flag that is to be said next, the largest share first, of equal ones that of more vectors; or FLAGS.
  function automatic integer next_flag(input logic whole);
    integer k, best, mine, theirs;
    begin
      best = FLAGS;
      for (k = 0; k < FLAGS; k = k + 1)
        if (!said[k] && failed_of[k] > 0 && (failed_of[k] == of_flag[k]) == whole) begin
          mine = best == FLAGS ? 1 : failed_of[k] * of_flag[best];
          theirs = best == FLAGS ? 0 : failed_of[best] * of_flag[k];
          if (mine > theirs) best = k;
          else if (mine == theirs && of_flag[k] > of_flag[best]) best = k;
        end
      next_flag = best;
    end
  endfunction

  task automatic say_flags(input string title, input logic whole);
    integer k;
    string between;
    begin
      $write("%0s:", title);
      between = "";
      k = next_flag(whole);
      if (k == FLAGS) $write(" none");
      while (k < FLAGS) begin
        $write("%0s %0s %0d/%0d", between, flag_name[k], failed_of[k], of_flag[k]);
        said[k] = 1;
        between = ",";
        k = next_flag(whole);
      end
      $write("\n");
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
  function automatic logic known(input string name);
    known = name == "" || name == "e2m1" || name == "e4m3" || name == "select" || name == "block";
  endfunction

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

  initial begin
    if (!$value$plusargs("dir=%s", dir)) dir = RECIPE;
    if (!$value$plusargs("only=%s", only)) only = "";
    if (!known(only)) begin
      $display("FAIL: +only=%0s: e2m1, e4m3, select or block is allowed", only);
      $fatal(1, "nothing was checked");
    end
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
    if (vectors_wrong > SHOWN) $display("and %0d more vectors", vectors_wrong - SHOWN);
    if (wrong > 0) begin
      count_flags;
      say_flags("flags all of whose vectors failed", 1);
      say_flags("flags some of whose vectors failed", 0);
    end
    if (wrong == 0 && refused == 0 && checked > 0) $display("PASS: %s: %0d blocks, %0d comparisons", RECIPE, BLOCKS, checked);
    else begin
      $display("FAIL: %s: %0d blocks, %0d comparisons, %0d differ, %0d checks not run", RECIPE, BLOCKS, checked, wrong,
               refused);
      $fatal(1, "not every bit is as expected");
    end
    $finish(0);
  end
endmodule
