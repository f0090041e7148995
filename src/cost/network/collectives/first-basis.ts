import type { Result } from "../../../base/result.ts";
import type { NoOperatorBasis, OperatorModel } from "../../operator/operator-model.ts";
import type { OperatorQuery } from "../../operator/operator-query.ts";
import type { Priced } from "../../priced.ts";

/** The first of several models that has a price: an engine's tables, then NCCL's, then the figures of the links. The last one's reason where none has. */
export function firstBasis(first: OperatorModel, ...others: readonly OperatorModel[]): OperatorModel {
  const models = [first, ...others];
  return {
    source: models.map((model) => model.source).join("; else "),
    price(query: OperatorQuery): Result<Priced, NoOperatorBasis> {
      let answer = first.price(query);
      for (let i = 1; i < models.length && !answer.ok; i++) answer = models[i]!.price(query);
      return answer;
    },
  };
}
