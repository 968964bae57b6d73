// The install script of onnxruntime-node (tests and benchmarks only) fetches CUDA files from NuGet, after it
// has called this. Nothing is to be fetched at install time from anywhere but the npm registry, and there is
// no setting for that which every version of npm takes without a warning: the script ends here.
exports.bootstrap = () => process.exit(0)
