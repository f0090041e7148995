import { SEAT_CASES } from "../support/seat-cases.ts";
import { seatSuite } from "./seat.suite.ts";

for (const each of SEAT_CASES) seatSuite(each);
