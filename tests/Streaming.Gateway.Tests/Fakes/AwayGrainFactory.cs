using System.Reflection;

namespace Streaming.Gateway.Tests.Fakes;

/// <summary>A cluster that is away, until it is not.</summary>
internal sealed class AwayGrainFactory
{
    public AwayGrainFactory(IGrainFactory? cluster)
    {
        Factory = DispatchProxy.Create<IGrainFactory, Proxy>();
        ((Proxy)(object)Factory).Use(this, cluster);
    }

    public IGrainFactory Factory { get; }

    public bool Away { get; set; } = true;

    internal class Proxy : DispatchProxy
    {
        private AwayGrainFactory _state = null!;
        private IGrainFactory? _cluster;

        public void Use(AwayGrainFactory state, IGrainFactory? cluster) => (_state, _cluster) = (state, cluster);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _state.Away || _cluster is null
            ? throw new Orleans.Runtime.OrleansException("No silo answers.")
            : targetMethod!.Invoke(_cluster, args);
    }
}
