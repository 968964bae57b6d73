// npm run docs: pages of the documentation in the sources, in docs/api.
import { OptionDefaults } from 'typedoc'

export default {
  name: 'Espalier',
  entryPoints: ['index', 'graph', 'data', 'web', 'web-onnx', 'web-train'].map((entry) => `src/${entry}.ts`),
  tsconfig: 'tsconfig.build.json',
  out: 'docs/api',
  readme: 'none',
  blockTags: [...OptionDefaults.blockTags, '@file'],
  excludeTags: [...OptionDefaults.excludeTags, '@file'],
  excludePrivate: true,
  // Links to what is not public stay text.
  validation: { notExported: false, invalidLink: false },
}
