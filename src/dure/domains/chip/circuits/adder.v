// Two numbers of sixteen bits and a carry.
module adder(input [15:0] a, input [15:0] b, input carry, output [16:0] sum);
  assign sum = a + b + carry;
endmodule
