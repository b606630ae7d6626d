// Eight operations on two numbers of eight bits, with flags.
module alu(input [7:0] a, input [7:0] b, input [2:0] operation, output reg [7:0] result, output zero, output reg carry);
  always @* begin
    carry = 1'b0;
    case (operation)
      3'd0: {carry, result} = a + b;
      3'd1: {carry, result} = a - b;
      3'd2: result = a & b;
      3'd3: result = a | b;
      3'd4: result = a ^ b;
      3'd5: result = a << b[2:0];
      3'd6: result = a >> b[2:0];
      default: result = {7'd0, a < b};
    endcase
  end
  assign zero = result == 8'd0;
endmodule
