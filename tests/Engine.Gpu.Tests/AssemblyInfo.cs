// One device, and kernels whose loading ILGPU does not allow in parallel.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
