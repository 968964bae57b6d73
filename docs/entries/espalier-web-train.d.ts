// What espalier/web/train exports. Written by scripts/api.mjs (npm run api).

export interface Dataset extends SampleSet {
    classes: number;
    train: Split;
    test: Split;
}

export interface EpochResult {
    epoch: number;
    step: number;
    learningRate: number;
    trainLoss: number;
    trainAccuracy: number;
    outputs?: Record<string, number>;
}

export interface Evaluation extends MacroMeasures {
    loss: number;
    accuracy: number;
    correct: number;
    count: number;
    top5?: number;
    constant?: true;
}

export interface GradualOptions extends Omit<PruneOptions, 'sparsity'> {
    schedule: PruningSchedule;
    event?(network: Network, event: PruningEvent, index: number): PruneResult;
    before?(step: number, whole: boolean): void;
    after?(step: number, target: number, result: PruneResult): void;
}

export interface Hook {
    atStep(step: number, network: Network): unknown;
}

export interface Model {
    name: string;
    summary: string;
    image: readonly [
        number,
        number,
        number
    ];
    classes: number;
    inputs?: readonly RowPart[];
    outputs?: readonly RowPart[];
    output?: string;
    softmax?: boolean;
    oneByOne?: boolean;
    note?: string;
    exact?: Model;
    resize?: number;
    vocabulary?: number;
    widen?: number;
    published?: readonly string[];
    defaultInit?: InitializerName;
    build(graph: Graph, images: Tensor, training: boolean): Tensor;
    closing?(graph: Graph, logits: Tensor): Tensor;
}

export interface ModelOptions {
    classes?: number;
    widen?: number;
}

export declare class Network {
    #private;
    readonly machine: Machine;
    readonly model: Model;
    readonly data: SampleSet;
    readonly parameters: readonly Tensor[];
    readonly stored: readonly Tensor[];
    readonly prunable: readonly Tensor[];
    readonly indices: Indices;
    readonly batch: number;
    readonly augment?: Augmentation;
    readonly rules: readonly GradientRule[];
    readonly states: readonly Tensor[];
    readonly weights: Weights;
    readonly kernels: LayerKernels;
    constructor(options: NetworkOptions);
    get stepsPerEpoch(): number;
    get executable(): Executable;
    values(parameter: string): Floats;
    mask(parameter: string): Floats;
    momentum(parameter: string): Floats;
    state(name: string): Floats;
    layers(): MaskedLayer[];
    selectTop(layers: readonly MaskedLayer[], keep: number): void;
    applyMasks(): void;
    fitKernels(): void;
    gains(): LayerGain[];
    densify(): void;
    counts(): LayerCount[];
    assertMasked(): void;
    step(samples: ArrayLike<number>, when?: StepTime): StepResult;
    denseGradients(samples: ArrayLike<number>, when?: StepTime): Floats[];
    load(samples: ArrayLike<number>, when: StepTime): Promise<void>;
    get judgedByDistance(): boolean;
    remember(): void;
    remembered(): Remembered;
    rememberFrom(remembered: Remembered): void;
    distance(): Distance;
    trainingLoss(samples: Uint32Array): number;
    evaluate(part: 'test' | 'validation' | 'train'): Evaluation;
    evaluateTraining(samples: Uint32Array): Evaluation;
}

export interface NetworkOptions {
    machine: Machine;
    model: Model;
    data: SampleSet;
    batch?: number;
    masks?: boolean;
    validation?: number;
    stratify?: boolean;
    seed?: number;
    init?: InitializerName;
    augment?: Augmentation;
    judged?: number;
    judgedToo?: number;
    evaluatesTraining?: boolean;
    prunable?: readonly string[];
    kernels?: Kernels;
    costs?: CostTable;
    denseGradients?: boolean;
    rules?: readonly GradientRule[];
    programs?: Readonly<Record<string, (forward: Forward, model: Model) => Graph>>;
}

export interface Normalization {
    mean: readonly number[];
    std: readonly number[];
}

export interface PruneOptions extends MaskOptions {
    method?: SaliencyName | Scoring;
    seed?: number;
    progress?(done: number, total: number): void;
}

export interface PruneResult extends Connectivity {
    sparsity: number;
    floor?: string;
    multiplyAdds?: MultiplyAdds;
    reconstructed?: Reconstructed;
    statistics?: RefreshedStatistics;
    polished?: Polished;
    stages?: StageReport[];
    reconstructions?: Reconstruction[];
    gradients?: number;
    seconds?: Record<string, number>;
}

export interface PruningSchedule {
    kind: ScheduleKind;
    sparsity: number;
    start: number;
    end: number;
    every: number;
    initial?: number;
}

export interface RateSchedule {
    kind: 'constant' | 'steps' | 'cosine';
    base: number | ((step: number) => number);
    total: number;
    warmup?: number;
    drops?: readonly number[];
    factor?: number;
}

export interface RewiringEvent {
    step: number;
    pruned: number;
    grown: number;
    state: Record<string, number>;
    layers: RewiredLayer[];
    explored: number;
    remaining: number;
    seconds: number;
}

export declare class RewiringHook implements Hook {
    #private;
    constructor(options: RewiringOptions);
    atStep(step: number, network: Network): void;
    save(): {
        state: Record<string, number>;
        tensors: Map<string, StoredTensor>;
    };
    restore(state: Readonly<Record<string, number>>, file: TensorFile, network: Network): void;
}

export type RewiringName = keyof typeof rewirings;

export interface RewiringOptions {
    rewiring: Rewiring;
    granularity?: RunName;
    gradual?: boolean;
    schedule: RewiringSchedule;
    rate(step: number): number;
    seed: number;
    gradients?: 'batch' | 'smoothed';
    hidden?: HiddenWeights;
    idle?: ReadonlyMap<string, Int32Array>;
    logged?(step: number): boolean;
    onEvent?(event: RewiringEvent): void;
}

export interface RewiringSchedule {
    start: number;
    end: number;
    period(step: number): number;
}

export type SaliencyName = keyof typeof saliencies;

export interface SampleSet extends Normalization {
    name: string;
    classes?: number;
    classNames?: readonly string[];
    image: readonly [
        number,
        number,
        number
    ];
    origin?: Origin;
    train: Samples;
    test: Samples;
    floats?: true;
    notes?: readonly string[];
    geometry?: Geometry;
    skipped?: readonly string[];
}

export interface Samples {
    count: number;
    images: Uint8Array | Float32Array;
    photographs?: (sample: number) => Promise<Pixels>;
    labels?: Labels;
    targets?: {
        shape: readonly number[];
        values: Float32Array;
    };
    files?: readonly string[];
}

export declare class Scoring {
    #private;
    readonly method: SaliencyName;
    readonly settings: Partial<Record<MeasuringKey, number | string>>;
    readonly programs: Programs;
    readonly rounds: number;
    readonly returning: boolean;
    readonly sumsSquares: boolean;
    readonly runs: number;
    readonly gradients: number;
    constructor(options: ScoringOptions);
    score(network: Network, layers: readonly ScoredLayer[], time: ScoringTime, ran?: () => void): void;
}

export interface ScoringOptions {
    method: SaliencyName;
    samples?: number;
    available?: number;
    miniBatch?: number;
    atOnce?: number;
    batchNorm?: BatchNormMode;
    temperature?: number;
    prunable?: readonly string[];
    probes?: number;
    sign?: '+' | '-';
    rounds?: number;
    nameOf?: NameOf;
}

export interface SgdOptions {
    momentum?: number;
    nesterov?: boolean;
    weightDecay?: number;
    biasDecay?: number;
    l1?: number;
}

export interface Split extends Samples {
    images: Uint8Array;
    labels: Labels;
}

export interface StepProgress {
    step: number;
    epoch: number;
    sums: EpochSums;
}

export interface TrainOptions {
    epochs: number;
    optimizer?: SgdOptions;
    schedule: Omit<RateSchedule, 'total'>;
    seed?: number;
    hooks?: readonly Hook[];
    start?: number;
    resumeAt?: number;
    epochSoFar?: EpochSums;
    onStep?(progress: StepProgress): void;
    onEpoch?(epoch: EpochResult): void;
    signal?: AbortSignal;
}

export declare function checkpointOf(network: Network, metadata: Record<string, string>): TensorFile;

export declare function encodeSafetensors({ tensors, metadata }: TensorFile): Uint8Array;

export declare function findModel(name: string, options?: ModelOptions): Model;

export declare function freezeActive(network: Network): void;

export declare function gapOf(network: Network, keep: number): {
    gap: Gap;
    masks: Float64Array[];
};

export declare function globalSparseMomentum(active: number): GradientRule;

export declare function gradualPruning({ schedule, before, after, event, ...options }: GradualOptions): Hook;

export declare function keepTop(network: Network, keep: number): PruneResult;

export declare function learningRate(schedule: RateSchedule, step: number): number;

export declare function loadCheckpoint(network: Network, file: TensorFile, source: string): void;

export declare function loadWeights(network: Network, file: TensorFile, source: string): void;

export declare const models: Record<string, ModelFamily>;

export declare function prune(network: Network, options: PruneOptions, event?: number): PruneResult;

export declare const rewirings: {
    dsr: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            moves: number;
            tolerance?: number | undefined;
            threshold?: number | undefined;
            reallocate?: boolean | undefined;
            newWeights?: "zero" | "drawn" | undefined;
            faithful?: boolean | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    set: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            newWeights?: "zero" | "drawn" | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    'set-magnitude': Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            newWeights?: "zero" | "drawn" | undefined;
            reallocate?: boolean | undefined;
            faithful?: boolean | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    deepr: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            temperature?: number | Record<string, number> | ((step: number) => number) | undefined;
            newWeights?: "zero" | "drawn" | undefined;
            eta?: number | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    rigl: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            growth?: "gradient" | "row" | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    snfs: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            growth?: "gradient" | "row" | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    granet: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            growth?: "gradient" | "row" | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    srigl: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            growth?: "gradient" | "row" | undefined;
            salient?: number | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
};

export declare const saliencies: {
    magnitude: Saliency<never>;
    random: Saliency<never>;
    'grad-norm': Saliency<"gradient">;
    snip: Saliency<"gradient">;
    'iter-snip': Saliency<"gradient">;
    force: Saliency<"gradient">;
    grasp: Saliency<"hessianGradient">;
    'grasp-ref': Saliency<"hessianGradientOfAll">;
    'fisher-diagonal': Saliency<"squares">;
    'fisher-pruner': Saliency<"squares">;
    fts: Saliency<"gradient" | "squares">;
    fbss: Saliency<"gradient" | "squares">;
    'hutch-diag': Saliency<"hessianDiagonal">;
    'hutch-pruning': Saliency<"hessianDiagonal">;
    hts: Saliency<"gradient" | "hessianDiagonal">;
    synflow: Saliency<"flow">;
};

export declare function smoothedGradients(beta: number): GradientRule;

export declare function train(network: Network, options: TrainOptions): Promise<number>;

export declare function weightsOf(network: Network, metadata?: Record<string, string>): TensorFile;

// Behind it.

export interface Amounts {
    multiplyAdd: number;
    value: number;
    weight: number;
    call: number;
}

export interface Arena {
    readonly size: number;
    view(offset: number, count: number): Floats;
    blank(offset: number, count: number): Floats;
    peek(offset: number, count: number): Floats;
    readonly floats: Floats;
    readonly doubles: Float64Array;
    bytes(offset: number, count: number): Uint8Array;
    run(program: Program): void;
}

export type Attribute = number | string | boolean | readonly number[];

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Augmentation {
    pad: number;
    fill: 'zero' | 'reflect';
    flip: boolean;
    resizedCrop?: boolean;
}

export declare const BYTES_PER: {
    readonly F64: 8;
    readonly F32: 4;
    readonly F16: 2;
    readonly BF16: 2;
    readonly I64: 8;
    readonly I32: 4;
    readonly I16: 2;
    readonly I8: 1;
    readonly U8: 1;
    readonly BOOL: 1;
};

export type BatchNormMode = keyof typeof batchNormModes;

export interface Builder {
    apply(operator: Operator, inputs: readonly Tensor[], attributes?: Attributes): Tensor[];
    constant(values: number | ArrayLike<number>, shape?: Shape, batched?: boolean): Tensor;
}

export interface Connectivity {
    layers: PathCount[];
    collapsed: PathCount[];
    deadOutputs: number;
    outputs: number;
}

export interface Cost extends Amounts {
    error?: number;
}

export interface CostTable {
    name: string;
    lanes: number;
    date: string;
    processor: string;
    instructionSet: string;
    threads: number;
    costs: Readonly<Record<Pass, Readonly<Record<LayerKind, KindCosts>>>>;
}

export type Count = (n: number, sparsity: number) => number;

export type DType = keyof typeof BYTES_PER;

export interface Distance {
    loss: number;
    outputs: readonly OutputDistance[];
    count: number;
}

export type EngineName = 'native' | 'wasm' | 'webgpu' | 'reference';

export interface EpochSums {
    loss: number;
    correct: number;
    samples: number;
    outputs?: Record<string, number>;
}

export declare class Executable {
    #private;
    readonly machine: Machine;
    readonly memory: MemoryUse;
    ran: number;
    constructor(machine: Machine, layout: Layout);
    run(program: string): void;
    static runApart(program: string, executables: readonly Executable[]): void;
    execute(instructions: readonly Instruction[]): void;
    profile(program: string, rounds?: number): Profiled[];
    view(name: string): Floats;
    peek(name: string): Floats;
    blank(name: string): Floats;
    bytes(name: string): Uint8Array;
    offset(name: string): number;
    has(name: string): boolean;
    runs(program: string): boolean;
    copyFrom(other: Executable): void;
    integers(name: string): Int32Array;
    write(program: string, input: string, values: ArrayLike<number>): void;
    read(program: string, output: string): Floats;
    raw(program: string, output: string): Floats;
    writeRaw(program: string, name: string, values: ArrayLike<number>): void;
    scalar(program: string, output: string): number;
}

export interface Extent {
    offset: number;
    length: number;
}

export interface Fan {
    readonly in: number;
    readonly out: number;
}

export type Fit = (typeof fits)[number];

export type Floats = Float32Array | Float64Array;

export interface Floor {
    weights: number;
    share: number;
}

export type Forward = (batch: number, training?: boolean) => ForwardPass;

export interface ForwardPass {
    graph: Graph;
    labels?: Tensor;
    parts?: Tensor[];
    logits: Tensor;
    losses: Tensor;
    loss: Tensor;
    sampled(): Tensor;
}

export interface Gap {
    keep: number;
    kept: number;
    removed: number;
    vanished: number;
}

export interface Geometry {
    plane?: readonly [
        number,
        number
    ];
    fit?: Fit;
    size?: number;
    crop?: number;
}

export interface GradientRule {
    apply(graph: Graph, parameters: readonly Tensor[], gradients: readonly Tensor[]): Tensor[];
    step?: MaskedStep;
    begin?(network: Ruled, seed: number): void;
    loaded?(network: Ruled): void;
    learnable?(shape: Shape): number;
}

export declare class Graph implements Builder {
    #private;
    readonly nodes: Node[];
    readonly tensors: Map<string, Tensor>;
    readonly outputs: Map<string, Tensor>;
    constructor(from?: Graph);
    clone(): Graph;
    input(name: string, shape: Shape, { batched }?: {
        batched?: boolean | undefined;
    }): Tensor;
    parameter(name: string, shape: Shape, initial?: Initial, steps?: ArrayLike<number>): Tensor;
    buffer(name: string, shape: Shape, initial: number): Tensor;
    state(name: string, shape: Shape, { bytes, saved, beside }?: StateOptions): Tensor;
    constant(values: number | ArrayLike<number>, shape?: Shape, batched?: boolean): Tensor;
    constantBytes({ buffer, byteOffset, byteLength }: ArrayBufferView, packs?: string): Tensor;
    apply(operator: Operator, inputs: readonly Tensor[], attributes?: Attributes): Tensor[];
    output(name: string, tensor: Tensor): void;
    withRole(role: Role): Tensor[];
    stored(): Tensor[];
}

export interface Group {
    layers: readonly Layer[];
    keep: number;
}

interface HeldWeights {
    isSparse(name: string): boolean;
    capacity(name: string): number;
}

export declare class HiddenWeights {
    #private;
    constructor(options: SgdOptions, initial: (name: string) => ArrayLike<number>);
    begin(names: Iterable<string>): void;
    step(network: Network, rate: number): void;
    event(name: string, before: Nonzeros, pruned: ArrayLike<number>, after: Nonzeros, grown: Int32Array, draw?: () => number): void;
    save(): [
        string,
        StoredTensor
    ][];
    restore(name: string, { tensors }: TensorFile): void;
}

export interface HorizonReport {
    steps: number;
    before: number;
    after: number;
    newtonSteps: number;
}

export interface Indices {
    train: Uint32Array;
    validation: Uint32Array;
}

export type Initial = Fan | number;

export type InitializerName = keyof typeof initializers;

export interface Instruction {
    readonly kernel: Kernel;
    readonly args: readonly number[];
}

export type InstructionSet = 'avx512' | 'avx2' | 'baseline' | 'neon' | 'wasm' | 'webgpu' | 'float64';

export interface Kernel<P extends string = string> {
    readonly name: string;
    readonly parameters: readonly P[];
    readonly list?: boolean;
    readonly bits?: boolean;
    extents(args: Readonly<Record<P, number>>, list: readonly number[]): Extent[];
    room?(args: Readonly<Record<P, number>>): void;
    reference(args: Readonly<Record<P, number>>, memory: ReferenceMemory, list: readonly number[]): void;
}

export interface KernelChoice {
    kind: Kernels;
    costs: CostTable;
    pass: Pass;
}

export type Kernels = (typeof kernelKinds)[number];

export interface KindCosts {
    dense: Cost;
    sparse: Cost;
}

export type Labels = Uint8Array | Uint16Array;

export interface Layer {
    name: string;
    shape: Shape;
    left?: number;
}

export interface LayerCount {
    name: string;
    size: number;
    kept: number;
    effective?: number;
    learnable?: number;
}

export interface LayerGain {
    name: string;
    sparse: boolean;
    gain?: number;
}

export declare class LayerKernels {
    #private;
    readonly kind: Kernels;
    readonly costs: CostTable;
    constructor({ kind, costs, pass }: KernelChoice, graphs: Readonly<Record<string, Graph>>, prunable: readonly Tensor[]);
    choose(left: (name: string) => number, held: HeldWeights): Map<string, number>;
    gains(left: (name: string) => number): LayerGain[];
}

export type LayerKind = (typeof layerKinds)[number];

export interface Layout {
    programs: Map<string, {
        graph: Graph;
        instructions: Instruction[];
    }>;
    shared: Map<string, Placed>;
    own: Map<string, Placed>;
    constants: Placed[];
    memory: MemoryUse;
}

export interface Machine {
    readonly engine: EngineName;
    readonly instructionSet: InstructionSet;
    readonly threads: number;
    readonly anySize?: boolean;
    readonly mostBytes?: number;
    readonly description: string;
    allocate(floats: number): Arena;
    runApart(runs: readonly Run[]): void;
}

export interface MacroMeasures {
    precision: number;
    recall: number;
    f1: number;
}

export interface MaskOptions {
    scope?: ScopeName | Scope;
    sparsity: number;
    granularity?: string;
    multipleOf?: number;
    channels?: ReadonlyMap<string, number>;
    count?: Count;
    floor?: Floor;
    flops?: number;
    onCollapse?: OnCollapse;
}

export interface MaskedLayer extends Layer {
    scores: Floats;
    mask: Floats;
}

export type MaskedStep = (graph: Graph, step: Required<ParameterStep>) => void;

export interface Measured {
    gradient: Floats;
    squares: Floats;
    hessianGradient: Floats;
    hessianGradientOfAll: Floats;
    hessianDiagonal: Floats;
    flow: Floats;
}

export type MeasuringKey = Exclude<keyof ScoringSettings, 'reconstruct' | 'refreshBatchNorm' | 'polish'>;

export interface MemoryUse {
    persistent: number;
    temporary: number;
}

export interface ModelFamily extends Omit<Model, 'build'> {
    build(graph: Graph, images: Tensor, training: boolean, options: Required<ModelOptions>): Tensor;
}

export interface Moves {
    pruned: Int32Array;
    grown: Int32Array;
}

export interface MultiplyAdds {
    dense: number;
    kept: number;
}

export type NameOf = (setting: string) => string;

export interface Node {
    readonly operator: Operator;
    readonly inputs: readonly Tensor[];
    readonly outputs: readonly Tensor[];
    readonly attributes: Attributes;
}

export interface Nonzeros {
    positions: Int32Array;
    values: Float64Array;
    momentum: Float64Array;
    further?: ReadonlyMap<string, Float64Array>;
}

export type OnCollapse = (typeof onCollapseKinds)[number];

export interface Operator {
    readonly name: string;
    infer(inputs: readonly Tensor[], attributes: Attributes): TensorType[];
    gradient?(graph: Builder, node: Node, outputGradients: readonly (Tensor | undefined)[]): (Tensor | undefined)[];
    decompose?(graph: Builder, node: Node): Tensor[];
    readonly weight?: number;
    readonly writes?: readonly number[];
    fold?(values: readonly number[]): number;
}

export interface Origin {
    mean: string;
    std: string;
}

export interface OutputDistance {
    name: string;
    distance: number;
    unit: 'variance' | 'nats';
}

export interface ParameterStep {
    parameter: Tensor;
    gradient: Tensor;
    momentum: Tensor;
    hyper: Tensor;
    mask?: Tensor;
}

export type Pass = (typeof passes)[number];

export interface PathCount extends LayerCount {
    effective: number;
}

export interface Pixels {
    height: number;
    width: number;
    channels: number;
    data: Uint8Array;
}

export interface Placed {
    tensor: Tensor;
    offset: number;
}

export interface Polished {
    rounds: number;
    gradients: number;
    respent: number;
    before: number;
    after: number;
    seconds: number;
}

export interface Profiled {
    kernel: string;
    milliseconds: number;
    instruction: Instruction;
    parameters: string[];
}

export declare class Program {
    readonly instructions: readonly Instruction[];
    readonly arenaSize: number;
    private constructor();
    static assemble(instructions: readonly Instruction[], arenaSize: number, anySize?: boolean): Program;
    encode(kernelNumbers: ReadonlyMap<string, number>): Int32Array;
}

export type Programs = NonNullable<NetworkOptions['programs']>;

export interface PruningEvent {
    step: number;
    lifts?: boolean;
    sparsity: number;
    at(final: number): number;
}

export declare class Random {
    #private;
    constructor(state: Int32Array);
    bits(): number;
    uniform(): number;
    below(n: number): number;
    normal(): number;
    permutation(n: number): Uint32Array;
}

export interface Reconstructed {
    images: number;
    layers: {
        name: string;
        before: number;
        after: number;
    }[];
    before: number;
    after: number;
    taken: boolean;
    seconds: number;
}

export interface Reconstruction {
    name: string;
    error: number;
    dead: number;
    horizon?: HorizonReport;
}

export interface ReferenceMemory {
    floats: Float64Array | Float32Array;
    doubles: Float64Array;
    bytes: Uint8Array;
}

export type Refresh = 'auto' | 'none' | number;

export interface RefreshedStatistics {
    images: number;
    before: number;
    after: number;
    taken: boolean;
    outputs?: number;
}

export type Remembered = ReadonlyMap<string, Floats>;

export interface RewiredLayer {
    name: string;
    pruned: number;
    grown: number;
    weights: number;
    before: number;
    after: number;
    rows: number;
    aliveRows: number;
    grownRows: number;
    halfRows: number;
}

export interface Rewiring {
    drawn?: boolean;
    beginsWith?(layer: string, place: number, value: number): number;
    begin?(layers: readonly SparseLayer[]): void;
    event(layers: readonly SparseLayer[], context: RewiringContext): Moves[];
    state(): Record<string, number>;
    restore(state: Readonly<Record<string, number>>): void;
}

export interface RewiringContext {
    draw(name: string): Random;
    step: number;
    rate: number;
    owed: number;
    elapsed: number;
    normalized: boolean;
    outputLayer: string;
    gradient(layer: string): Floats;
}

export interface RewiringMethod<Settings extends z.ZodObject = z.ZodObject> {
    summary: string;
    settings: Settings;
    gradients?: 'batch' | 'smoothed';
    granularities?: readonly string[];
    gradual?: boolean;
    everyStep?: boolean;
    make(settings: z.output<Settings> & {
        seed: number;
    }): Rewiring;
}

export type Role = 'input' | 'parameter' | 'buffer' | 'state' | 'constant' | 'value';

export interface Rounds {
    count: number;
    returning: boolean;
}

export interface RowPart {
    name: string;
    shape: readonly number[];
    whole?: boolean;
    range?: ValueRange;
    layout?: 'NHWC';
    softmax?: boolean;
}

export interface Ruled {
    readonly prunable: readonly Tensor[];
    readonly executable: Executable;
}

export interface Run {
    arena: Arena;
    program: Program;
}

export type RunName = keyof typeof axes;

export interface Saliency<Needed extends Statistic = never> {
    summary: string;
    needs?: readonly Needed[];
    temperature?: number;
    sign?: 1 | -1;
    rounds?: Rounds;
    summed?: 'scores' | 'squares';
    score(layers: readonly ScoredLayer<Needed>[], context: ScoreContext): void;
}

export type ScheduleKind = (typeof scheduleKinds)[number];

export interface Scope {
    summary: string;
    groups(layers: readonly Layer[], sparsity: number, count?: Count): Group[];
    channelShare?(shapes: readonly Shape[]): number;
    isDense?(name: string): boolean;
}

export type ScopeName = keyof typeof scopes;

export interface ScoreContext {
    draw(name: string): Random;
    miniBatch: number;
    sign: 1 | -1;
}

export type ScoredLayer<Needed extends Statistic = never> = {
    name: string;
    weights: Floats;
    scores: Floats;
} & Pick<Measured, Needed>;

export type ScoringSettings = z.output<typeof scoringSettings>;

export interface ScoringTime {
    seed: number;
    event: number;
    round: number;
}

export type Shape = readonly number[];

export interface SparseLayer {
    readonly name: string;
    readonly length: number;
    readonly size: number;
    readonly rows: number;
    readonly idle?: Int32Array;
    readonly positions: Int32Array;
    readonly values: Float64Array;
}

export interface StageReport {
    kept: number;
    multiplyAdds?: number;
    selected: number;
    updated?: number;
    scale?: number;
    firstOrder?: number;
    damping?: number;
    search?: {
        swaps: number;
        from: number;
        to: number;
        taken: boolean;
    };
    residual?: number;
}

export type StateOptions = Pick<Tensor, 'bytes' | 'saved' | 'beside'>;

export type Statistic = keyof Measured;

export interface StepResult {
    loss: number;
    correct: number;
    outputs: Record<string, number>;
}

export interface StepTime {
    seed: number;
    epoch: number;
    step: number;
}

export interface StoredTensor {
    dtype: DType;
    shape: readonly number[];
    data: Uint8Array;
}

export interface Tensor {
    readonly name: string;
    readonly shape: Shape;
    readonly role: Role;
    readonly batched: boolean;
    readonly values?: number | ArrayLike<number>;
    readonly packs?: string;
    readonly initial?: Initial;
    readonly steps?: ArrayLike<number>;
    readonly bytes?: boolean;
    readonly saved?: 'floats' | 'bits' | 'permutation';
    readonly beside?: string;
}

export interface TensorFile {
    tensors: Map<string, StoredTensor>;
    metadata: Record<string, string>;
}

export interface TensorType {
    readonly shape: Shape;
    readonly batched: boolean;
    readonly bytes?: boolean;
}

export interface ValueRange {
    least: number;
    most: number;
    why: string;
}

export declare class Weights {
    #private;
    constructor(machine: Machine, graphs: Readonly<Record<string, Graph>>, all: Readonly<Record<string, Graph>>, prunable: readonly Tensor[]);
    get executable(): Executable;
    isSparse(name: string): boolean;
    capacity(name: string): number;
    view(name: string, state?: string): Floats;
    whole(name: string, state?: string): Floats;
    count(name: string): number;
    nonzeros(name: string): Nonzeros;
    setNonzeros(name: string, nonzeros: Nonzeros): void;
    setAllNonzeros(changes: ReadonlyMap<string, Nonzeros>): void;
    rewire(name: string, positions: Int32Array): void;
    applyMasks(): void;
    hold(nonzeros: ReadonlyMap<string, number>): void;
}

declare const axes: {
    readonly weight: 4;
    readonly row: 3;
    readonly kernel: 2;
    readonly filter: 1;
};

export declare const batchNormModes: {
    readonly eval: "the running statistics; at initialization mean 0 and variance 1, so that nothing is normalized";
    readonly refreshed: "the statistics of all scoring samples; the running ones come back afterwards";
    readonly train: "the statistics of the mini-batch, and dropout, as in training; mini-batches of at least 2 samples";
};

export declare const fits: readonly [
    "crop",
    "letterbox",
    "stretch"
];

export declare const initializers: {
    readonly uniform: (_tensor: Tensor, fan: Fan, draw: Random) => () => number;
    readonly 'xavier-uniform': (tensor: Tensor, fan: Fan, draw: Random) => () => number;
    readonly 'xavier-normal': (tensor: Tensor, fan: Fan, draw: Random) => () => number;
    readonly 'he-normal': (tensor: Tensor, fan: Fan, draw: Random) => () => number;
    readonly 'he-normal-out': (tensor: Tensor, fan: Fan, draw: Random) => () => number;
};

export declare const kernelKinds: readonly [
    "auto",
    "dense",
    "sparse"
];

export declare const layerKinds: readonly [
    "winograd",
    "direct",
    "strided",
    "product",
    "linear",
    "fewDirect",
    "fewStrided",
    "fewProduct",
    "fewLinear"
];

export declare const onCollapseKinds: readonly [
    "warn",
    "floor",
    "error"
];

export declare const passes: readonly [
    "forward",
    "step"
];

export declare const scheduleKinds: readonly [
    "one-shot",
    "exponential",
    "cubic",
    "alternating"
];

export declare const scopes: {
    global: {
        summary: string;
        groups: (layers: readonly Layer[], sparsity: number, count?: Count | undefined) => {
            layers: readonly Layer[];
            keep: number;
        }[];
    };
    layerwise: {
        summary: string;
        groups: (layers: readonly Layer[], sparsity: number, count?: Count | undefined) => {
            layers: Layer[];
            keep: number;
        }[];
        channelShare: () => number;
    };
    uniform: {
        summary: string;
        groups: (layers: readonly Layer[], sparsity: number, count?: Count | undefined) => Group[];
        channelShare: () => number;
    };
    erk: {
        summary: string;
        groups: (layers: readonly Layer[], sparsity: number, count?: Count | undefined) => Group[];
        channelShare: (shapes: readonly Shape[]) => number;
    };
};

export declare const scoringSettings: z.ZodObject<{
    samples: z.ZodOptional<z.ZodType<number | "all", number | "all", z.core.$ZodTypeInternals<number | "all", number | "all">>>;
    miniBatch: z.ZodOptional<z.ZodInt>;
    batchNorm: z.ZodOptional<z.ZodType<"train" | "eval" | "refreshed", "train" | "eval" | "refreshed", z.core.$ZodTypeInternals<"train" | "eval" | "refreshed", "train" | "eval" | "refreshed">>>;
    temperature: z.ZodOptional<z.ZodNumber>;
    probes: z.ZodOptional<z.ZodInt>;
    sign: z.ZodOptional<z.ZodEnum<{
        "+": "+";
        "-": "-";
    }>>;
    rounds: z.ZodOptional<z.ZodInt>;
    reconstruct: z.ZodOptional<z.ZodEnum<{
        none: "none";
        auto: "auto";
    }>>;
    refreshBatchNorm: z.ZodOptional<z.ZodType<import("../settings.ts").Refresh, import("../settings.ts").Refresh, z.core.$ZodTypeInternals<import("../settings.ts").Refresh, import("../settings.ts").Refresh>>>;
    polish: z.ZodOptional<z.ZodInt>;
}, z.core.$strict>;
