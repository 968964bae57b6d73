/** Addresses of files, by Vite. */
declare module '*?url' {
  const url: string
  export default url
}
