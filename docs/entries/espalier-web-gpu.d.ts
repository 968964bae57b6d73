// What espalier/web/gpu exports. Written by scripts/api.mjs (npm run api).

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

export interface ThreadWorker {
    postMessage(message: unknown): void;
    terminate?(): void;
    onmessage?: unknown;
    onerror?: unknown;
}

export declare class UserError extends Error {
    name: string;
}

export interface WebGpuOptions {
    processor: Machine;
    worker(): ThreadWorker;
}

export declare function webGpuMachine({ processor, worker }: WebGpuOptions): Promise<Machine>;

// Behind it.

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

export interface Extent {
    offset: number;
    length: number;
}

export type Floats = Float32Array | Float64Array;

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

export interface Run {
    arena: Arena;
    program: Program;
}
