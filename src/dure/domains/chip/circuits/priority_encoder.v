// The number of the highest of 64 requests, and whether there is any.
module priority_encoder(input [63:0] request, output reg [5:0] number, output any);
  integer place;
  assign any = |request;
  always @* begin
    number = 6'd0;
    for (place = 0; place < 64; place = place + 1)
      if (request[place]) number = place[5:0];
  end
endmodule
