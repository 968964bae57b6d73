// What espalier/graph exports. Written by scripts/api.mjs (npm run api).

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

export type EngineName = 'native' | 'wasm' | 'webgpu' | 'reference';

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

export type Floats = Float32Array | Float64Array;

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

export interface MachineOptions {
    engine?: EngineName;
    threads?: number;
    instructionSet?: string;
}

export interface Node {
    readonly operator: Operator;
    readonly inputs: readonly Tensor[];
    readonly outputs: readonly Tensor[];
    readonly attributes: Attributes;
}

export interface Operator {
    readonly name: string;
    infer(inputs: readonly Tensor[], attributes: Attributes): TensorType[];
    gradient?(graph: Builder, node: Node, outputGradients: readonly (Tensor | undefined)[]): (Tensor | undefined)[];
    decompose?(graph: Builder, node: Node): Tensor[];
    readonly weight?: number;
    readonly writes?: readonly number[];
    fold?(values: readonly number[]): number;
}

export type Shape = readonly number[];

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

export declare class UserError extends Error {
    name: string;
}

export declare const add: (graph: Builder, a: Tensor, b: Tensor) => Tensor;

export declare const compile: (machine: Machine, graphs: Readonly<Record<string, Graph>>) => Executable;

export declare function crossEntropy(graph: Builder, logits: Tensor, labels: Tensor): Tensor;

export declare function differentiate(from: Graph, loss: Tensor, wrt: readonly Tensor[]): Differentiated;

export declare const flatten: (graph: Builder, x: Tensor) => Tensor;

export declare function gemm(graph: Builder, a: Tensor, b: Tensor, options?: GemmOptions): Tensor;

export declare function linear(graph: Graph, x: Tensor, name: string, out: number, { bias }?: {
    bias?: boolean | undefined;
}): Tensor;

export declare const matmul: (graph: Builder, a: Tensor, b: Tensor) => Tensor;

export declare const mul: (graph: Builder, a: Tensor, b: Tensor) => Tensor;

export declare const neg: (graph: Builder, x: Tensor) => Tensor;

export declare function openMachine(options?: MachineOptions): Promise<Machine>;

export declare function prunableParameters(graph: Graph): Tensor[];

export declare const reduceMean: (graph: Builder, x: Tensor, axes: readonly number[], keepdims?: number) => Tensor;

export declare const reduceSum: (graph: Builder, x: Tensor, axes: readonly number[], keepdims?: number) => Tensor;

export declare const relu: (graph: Builder, x: Tensor) => Tensor;

export declare function reshape(graph: Builder, x: Tensor, shape: Shape, batched?: boolean): Tensor;

export declare const softmax: (graph: Builder, x: Tensor) => Tensor;

export declare const sub: (graph: Builder, a: Tensor, b: Tensor) => Tensor;

// Behind it.

export type Attribute = number | string | boolean | readonly number[];

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Builder {
    apply(operator: Operator, inputs: readonly Tensor[], attributes?: Attributes): Tensor[];
    constant(values: number | ArrayLike<number>, shape?: Shape, batched?: boolean): Tensor;
}

export interface Differentiated {
    graph: Graph;
    gradients: Tensor[];
}

export interface Extent {
    offset: number;
    length: number;
}

export interface Fan {
    readonly in: number;
    readonly out: number;
}

export interface GemmOptions {
    bias?: Tensor;
    transA?: number;
    transB?: number;
    alpha?: number;
    beta?: number;
}

export type Initial = Fan | number;

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

export interface MemoryUse {
    persistent: number;
    temporary: number;
}

export interface Placed {
    tensor: Tensor;
    offset: number;
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

export interface ReferenceMemory {
    floats: Float64Array | Float32Array;
    doubles: Float64Array;
    bytes: Uint8Array;
}

export type Role = 'input' | 'parameter' | 'buffer' | 'state' | 'constant' | 'value';

export interface Run {
    arena: Arena;
    program: Program;
}

export type StateOptions = Pick<Tensor, 'bytes' | 'saved' | 'beside'>;

export interface TensorType {
    readonly shape: Shape;
    readonly batched: boolean;
    readonly bytes?: boolean;
}
