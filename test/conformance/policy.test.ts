// Goal: every policy keeps what policies promise. Method: one table each; a new policy is one line.
import { chunkedPrefill } from "../../src/policy/policies/chunked-prefill.ts";
import { firstCome } from "../../src/policy/policies/first-come.ts";
import { pricedRouting } from "../../src/policy/policies/priced-routing.ts";
import { batchingSuite, routingSuite } from "./policy.suite.ts";

for (const policy of [chunkedPrefill, firstCome]) batchingSuite(policy);
for (const policy of [pricedRouting]) routingSuite(policy);
