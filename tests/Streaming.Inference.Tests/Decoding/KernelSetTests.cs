using Streaming.Inference.Kernels;

namespace Streaming.Inference.Tests.Decoding;

// The decoder's tests, for each kernel set.

public sealed class SinkCacheOracleLibtorchTests() : SinkCacheOracleTests(KernelSet.Libtorch);

public sealed class SinkCacheOracleAvx512Tests() : SinkCacheOracleTests(KernelSet.Avx512);

public sealed class SinkCacheOracleAvx2Tests() : SinkCacheOracleTests(KernelSet.Avx2);

public sealed class SinkCacheOraclePortableTests() : SinkCacheOracleTests(KernelSet.Portable);

public sealed class RebuildLibtorchTests() : RebuildTests(KernelSet.Libtorch);

public sealed class RebuildAvx512Tests() : RebuildTests(KernelSet.Avx512);

public sealed class RebuildAvx2Tests() : RebuildTests(KernelSet.Avx2);

public sealed class RebuildPortableTests() : RebuildTests(KernelSet.Portable);

public sealed class DecoderLibtorchTests() : DecoderTests(KernelSet.Libtorch);

public sealed class DecoderAvx512Tests() : DecoderTests(KernelSet.Avx512);

public sealed class DecoderAvx2Tests() : DecoderTests(KernelSet.Avx2);

public sealed class DecoderPortableTests() : DecoderTests(KernelSet.Portable);

public sealed class Stories260KLibtorchTests() : Stories260KTests(KernelSet.Libtorch);

public sealed class Stories260KAvx512Tests() : Stories260KTests(KernelSet.Avx512);

public sealed class Stories260KAvx2Tests() : Stories260KTests(KernelSet.Avx2);

public sealed class Stories260KPortableTests() : Stories260KTests(KernelSet.Portable);
