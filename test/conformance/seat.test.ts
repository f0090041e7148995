/** Goal: a seat is the same wherever its device is. Method: one suite for all ways, and a planted fault for each of its checks. */
import { SEAT_CASES } from "../support/seat-cases.ts";
import { seatFaultSuite, seatSuite } from "./seat.suite.ts";

for (const each of SEAT_CASES) seatSuite(each);
seatFaultSuite(SEAT_CASES[0]!);
