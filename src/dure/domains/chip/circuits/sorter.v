// Eight numbers of four bits in rising order, by the odd-even transposition network.
module sorter(input [31:0] given, output reg [31:0] sorted);
  integer round, place;
  reg [3:0] low, high;
  always @* begin
    sorted = given;
    for (round = 0; round < 8; round = round + 1)
      for (place = round % 2; place < 7; place = place + 2) begin
        low = sorted[4*place +: 4];
        high = sorted[4*place + 4 +: 4];
        if (low > high) begin
          sorted[4*place +: 4] = high;
          sorted[4*place + 4 +: 4] = low;
        end
      end
  end
endmodule
