// A tap of a filter: sample times coefficient, added to what comes from the tap before.
module fir_tap(input signed [7:0] sample, input signed [7:0] coefficient, input signed [19:0] before, output signed [19:0] after);
  assign after = before + sample * coefficient;
endmodule
