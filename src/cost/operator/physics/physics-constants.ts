/** How products of one class of types run on one family of devices. Shares are ratios of data-sheet figures. */
export interface ProductConstants {
  /** Time of a product that computes nothing. Units: ns. */
  readonly launchNs: number;
  /** Share of the memory's rate a long product reaches. */
  readonly memoryShare: number;
  /** Share of the peak that very large tiles reach. */
  readonly computeShare: number;
  /** Tile intensity rows x columns / (rows + columns) at which half of that is reached; small tiles feed the multipliers badly. */
  readonly halfIntensity: number;
  /** Depth whose time a tile loses filling and draining its pipeline. */
  readonly fillDepth: number;
  /** 1: the last wave of tiles takes as long as a full one; 0: work is spread evenly. */
  readonly waveShare: number;
  /** What one core can draw from memory, as a multiple of its even share. */
  readonly coreDraw: number;
  /** Cost of cutting the depth in two, for the sum of the parts. Units: ns. */
  readonly splitNs: number;
  /** Share of the shorter of computing and reading that is not hidden behind the longer. */
  readonly serialShare: number;
  /** Bytes moved before the product for each element of its input: quantising it. 0 where it comes in its type. */
  readonly inputBytes: number;
  /** Relative half-width of the 90 % interval, from shapes the fit did not see. */
  readonly spread: number;
}

/** How attention runs: causal prefill. */
export interface PrefillAttentionConstants {
  readonly launchNs: number;
  readonly memoryShare: number;
  /** Share of the peak at a head dimension of 128. */
  readonly computeShare: number;
  /** Head dimension at which half of the share's limit is reached. */
  readonly halfHeadDim: number;
  /** Query rows and keys of a tile. */
  readonly tileRows: number;
  readonly tileKeys: number;
  /** Keys whose time a tile of queries loses at its start and end. */
  readonly fillKeys: number;
  readonly waveShare: number;
  readonly serialShare: number;
  readonly spread: number;
}

/** How attention runs: one new token a sequence. */
export interface DecodeAttentionConstants {
  readonly launchNs: number;
  readonly memoryShare: number;
  /** Share of the peak (rows padded to `tileRows`). */
  readonly computeShare: number;
  readonly tileRows: number;
  /** What one core can draw from memory, as a multiple of its even share. */
  readonly coreDraw: number;
  /** Time a piece of work takes however short its context. Units: ns. */
  readonly unitNs: number;
  /** Tokens of context whose time it loses besides. */
  readonly fillTokens: number;
  /** Bytes read in the same time as it takes to widen an element of keys and values of less than 16 bits. */
  readonly widenBytes: number;
  /** Whether contexts are cut in pieces too where each head has keys of its own. */
  readonly splitsSingle: boolean;
  /** Cost of cutting the context in pieces, for their sum. Units: ns. */
  readonly splitNs: number;
  readonly serialShare: number;
  readonly spread: number;
}

/** How a whole block of latent attention runs, over its products and its attention. */
export interface LatentAttentionConstants {
  /** Launches, norms, rotations and copies of the block. Units: ns. */
  readonly launchNs: number;
  /** The same where projections are in 16 bits, before which nothing is quantised; absent: as in fewer. Units: ns. */
  readonly halfLaunchNs?: number;
  /** Bytes of activations moved a token and head, over those of its query, key and value. */
  readonly copies: number;
  /** Bytes of activations moved a token, over those of its input. */
  readonly rowCopies: number;
  readonly prefillShare: number;
  readonly decodeComputeShare: number;
  readonly decodeMemoryShare: number;
  readonly serialShare: number;
  readonly spread: number;
}

/** How a whole block of attention to chosen tokens runs, over its products, its attention and its indexer. */
export interface SparseAttentionConstants {
  /** Launches, norms, rotations and copies of the block without its indexer, and those of the indexer. Units: ns. */
  readonly launchNs: number;
  readonly indexNs: number;
  /** Launches besides, where there are more tokens than are chosen. Units: ns. */
  readonly chooseNs: number;
  /** Time a core takes for each score that it chooses from, and positions it chooses for side by side; one position's scores are one core's. Units: ns. */
  readonly chooseKeyNs: number;
  readonly chooseRows: number;
  /** Share of the 8-bit peak (of the 16-bit one where there is none) and of the memory's rate that scores reach. */
  readonly scoreComputeShare: number;
  readonly scoreMemoryShare: number;
  /** Bytes moved a score: written, masked, read again. */
  readonly scoreBytes: number;
  /** Whether scores are computed too where all tokens are chosen. */
  readonly scoresShort: boolean;
  /** As of latent attention. */
  readonly copies: number;
  readonly rowCopies: number;
  /** Heads that kernels round up to. */
  readonly tileHeads: number;
  /** Whether prompts no longer than what is chosen are attended to as latent attention does, and the share of the peak that reaches. */
  readonly denseShort: boolean;
  readonly denseShare: number;
  /** Shares of the peak that attention to chosen tokens reaches. */
  readonly prefillShare: number;
  readonly decodeComputeShare: number;
  /** Rate at which chosen keys are gathered, over the memory's: positions of a prompt find those of others in the cache. */
  readonly gatherGain: number;
  readonly decodeMemoryShare: number;
  /** Bytes read in the same time as it takes to widen an element of keys of less than 16 bits. */
  readonly widenBytes: number;
  readonly serialShare: number;
  readonly spread: number;
}

/** How grouped products of experts run. */
export interface ExpertConstants {
  readonly launchNs: number;
  readonly memoryShare: number;
  readonly computeShare: number;
  /** Rows a tile holds at most; tokens of an expert are rounded up to it where there are many. */
  readonly tileRows: number;
  /**
   * Rows whose multiplications take as long as unpacking a tile's weights does, which comes on top of its own rows; such kernels choose their tiles by the tokens
   * an expert has in the mean. Absent where weights come in their type.
   */
  readonly unpackRows?: number;
  /** Bytes moved for each pair of token and expert on the device, over its input, output and the three results between. */
  readonly copies: number;
  /** Bytes moved for each pair of token and expert that came to the device, over its output: engines sort all of them, wherever the expert is. */
  readonly gathers: number;
  readonly serialShare: number;
  readonly spread: number;
}

/** Element-wise work. */
export interface StreamConstants {
  readonly launchNs: number;
  readonly memoryShare: number;
  /** Rate of what lies in the last-level cache, over the memory's. */
  readonly cacheGain: number;
  /** Bytes moved that the cache serves, over its size (results overwrite inputs). */
  readonly cacheFit: number;
  readonly spread: number;
}

/** Classes of types that one set of product constants serves; `packed`: weights that are whole numbers of 4 or 8 bits, unpacked to a wider type. */
export type ProductClass = "wide" | "half" | "eight" | "eightBlock" | "four" | "packed";

/** Everything a family of devices needs besides its data sheets. */
export interface PhysicsConstants {
  readonly family: string;
  /** Data the constants were fitted on. */
  readonly source: string;
  /** Catalogue ids of the devices they were fitted on and hold for; other devices of the family are less sure. Empty: of none. */
  readonly devices: readonly string[];
  readonly product: Readonly<Record<ProductClass, ProductConstants>>;
  readonly prefillAttention: PrefillAttentionConstants;
  readonly decodeAttention: DecodeAttentionConstants;
  readonly latentAttention: LatentAttentionConstants;
  readonly sparseAttention: SparseAttentionConstants;
  readonly experts: Readonly<Record<ProductClass, ExpertConstants>>;
  /** Experts in 4-bit floats on devices without 4-bit arithmetic, in an engine's own kernels; absent: not measured. */
  readonly unpackedExperts?: ExpertConstants;
  readonly stream: StreamConstants;
}
