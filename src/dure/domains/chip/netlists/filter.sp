* Low-pass of five elements between 50 ohm, written for chip/netlist; runs in any ngspice as it is
.param l1=12u l3=15u l5=12u c2=4n c4=4n
v1 in 0 dc 0 ac 2
rs in a 50
l1 a b {l1}
c2 b 0 {c2}
l3 b c {l3}
c4 c 0 {c4}
l5 c out {l5}
rl out 0 50
.control
set num_threads=1
ac dec 200 10k 10meg
let db = vdb(out)
meas ac least min db from=10k to=1meg
meas ac most max db from=10k to=1meg
let ripple = most - least
meas ac leak find db at=2meg
print ripple leak
.endc
.end
