/** @file espalier init: a recipe to begin with. */

import { Command } from 'commander'
import type { InitOptions } from '../work/init.ts'

export const initCommand = (): Command =>
  new Command('init')
    .argument('<model>', 'a built-in network (espalier list models), or an ONNX model by its path')
    .argument('<data>', 'a data set (espalier list datasets), or a folder or file of images, arrays or texts')
    .option('-o, --output <file>', 'where the recipe goes', 'recipe.yaml')
    .option('--force', 'write over a file that exists')
    .action(async (model: string, data: string, options: InitOptions) =>
      (await import('../work/init.ts')).init(model, data, options),
    )
