// Drives a multiply-accumulate unit with the beats of a folder and checks every result: its bits, its cycle, its order.
//
//   iverilog -g2012 -o sim fos_segments.sv fos_fp32.sv fos_mac_parts.sv fos_mac_core.sv \
//     fos_mac_folded.sv fos_mac.sv fos_mac_tb.sv
//   vvp -n sim
//
// Your own design has the ports of fos_if4_mac: -DDUT=my_mac. Beat n is taken at rising edge n. The exit code is not 0
// after any difference; the first ten are printed with the segment's number.
module fos_mac_tb;
  import fos_segments::*;

  localparam SHOWN = 10;
  localparam DRAIN = 16;  // edges after the last beat

  reg [63:0] a[0:BEATS-1], w[0:BEATS-1];
  reg [7:0] a_sf[0:BEATS-1], w_sf[0:BEATS-1], control[0:BEATS-1];  // control: bit 0: en; bit 1: first
  reg [31:0] want[0:RESULTS-1], want_cycle[0:RESULTS-1], segment[0:RESULTS-1];
  string dir;

  logic clk = 0, rst_n = 0, en = 0, first = 0, done;
  logic [63:0] word_a = 0, word_w = 0;
  wire [3:0] lane_a[15:0], lane_w[15:0];
  genvar n;
  generate
    for (n = 0; n < 16; n = n + 1) begin : g_lane
      assign lane_a[n] = word_a[4*n+:4];
      assign lane_w[n] = word_w[4*n+:4];
    end
  endgenerate
  logic [7:0] byte_a = 0, byte_w = 0;
  logic [31:0] acc;
  `DUT dut (
      .clk(clk), .rst_n(rst_n), .en(en), .first(first), .a_in(lane_a), .a_sf(byte_a), .w_in(lane_w), .w_sf(byte_w),
      .acc(acc), .done(done)
  );

  always #5 clk = ~clk;

  // A simulator without x would read 0 from a file that is not there.
  reg [63:0] word;
  task automatic count(input string name, input integer allowed);
    integer file, words;
    begin
      words = 0;
      file = $fopen({dir, "/", name}, "r");
      if (file != 0) begin
        while ($fscanf(file, "%s", word) == 1) words = words + 1;
        $fclose(file);
      end
      if (words != allowed) begin
        $display("FAIL: %0s/%0s: %0d words, %0d are allowed", dir, name, words, allowed);
        $fatal(1, "the segments could not be read");
      end
    end
  endtask

`define LOAD(name, memory, words) \
    count(`"name.memh`", words); \
    $readmemh({dir, `"/name.memh`"}, memory);

  integer wrong = 0, seen = 0, at;
  reg [31:0] held;

  task automatic complain(input string what, input [31:0] got, input [31:0] expected);
    begin
      wrong = wrong + 1;
      if (wrong <= SHOWN)
        $display("cycle %0d, segment %0d: %0s is %h, expected %h", at, segment[seen < RESULTS ? seen : RESULTS - 1],
                 what, got, expected);
    end
  endtask

  // What can be seen after rising edge `at`.
  task automatic look;
    logic due;
    begin
      due = seen < RESULTS && want_cycle[seen] == at;
      if (done !== due) complain("done", {31'd0, done}, {31'd0, due});
      if (due) begin
        if (acc !== want[seen]) complain("acc", acc, want[seen]);
        held = want[seen];
        seen = seen + 1;
      end else if (seen > 0 && acc !== held) complain("acc between results", acc, held);
    end
  endtask

  task automatic drive(input logic beat);
    begin
      en = beat && control[at][0];
      first = beat && control[at][1];
      byte_a = beat ? a_sf[at] : 0;
      byte_w = beat ? w_sf[at] : 0;
      word_a = beat ? a[at] : 0;
      word_w = beat ? w[at] : 0;
    end
  endtask

  initial begin
    if (!$value$plusargs("dir=%s", dir)) dir = ".";
    `LOAD(a, a, BEATS)
    `LOAD(w, w, BEATS)
    `LOAD(a_sf, a_sf, BEATS)
    `LOAD(w_sf, w_sf, BEATS)
    `LOAD(control, control, BEATS)
    `LOAD(acc, want, RESULTS)
    `LOAD(cycle, want_cycle, RESULTS)
    `LOAD(segment, segment, RESULTS)
    repeat (3) @(negedge clk);
    rst_n = 1;
    for (at = 0; at < BEATS + DRAIN; at = at + 1) begin
      drive(at < BEATS);
      @(negedge clk);
      look;
    end
    if (wrong == 0 && seen == RESULTS) $display("PASS: %s: %0d cycles, %0d results", UNIT, BEATS, RESULTS);
    else begin
      $display("FAIL: %s: %0d cycles, %0d of %0d results came, %0d differences", UNIT, BEATS, seen, RESULTS, wrong);
      $fatal(1, "not every bit and cycle is as expected");
    end
    $finish(0);
  end
endmodule
