using System.Reflection;
using Streaming.Contracts.Identity;

namespace Streaming.Gateway.Tests.Fakes;

/// <summary>A cluster that is unreachable until the test says otherwise, optionally with a key ring.</summary>
public sealed class UnreachableGrainFactory
{
    public UnreachableGrainFactory(IGrainFactory? cluster, KeyRingInMemory? ring = null)
    {
        Factory = DispatchProxy.Create<IGrainFactory, Proxy>();
        ((Proxy)(object)Factory).Use(this, cluster, ring);
    }

    public IGrainFactory Factory { get; }

    public bool IsUnreachable { get; set; } = true;

    public class Proxy : DispatchProxy
    {
        private UnreachableGrainFactory _state = null!;
        private IGrainFactory? _cluster;
        private KeyRingInMemory? _ring;

        public void Use(UnreachableGrainFactory state, IGrainFactory? cluster, KeyRingInMemory? ring) =>
            (_state, _cluster, _ring) = (state, cluster, ring);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            _state.IsUnreachable ? throw new OrleansException("No silo answers.")
            : _ring is not null ? _ring.Grain
            : targetMethod!.Invoke(_cluster, args);
    }
}

/// <summary>A key ring over a list.</summary>
public sealed class KeyRingInMemory
{
    public KeyRingInMemory(List<string> elements)
    {
        Grain = DispatchProxy.Create<IKeyRingGrain, Proxy>();
        ((Proxy)(object)Grain).Elements = elements;
    }

    public IKeyRingGrain Grain { get; }

    public class Proxy : DispatchProxy
    {
        public List<string> Elements { get; set; } = [];

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name == nameof(IKeyRingGrain.Read))
                return Task.FromResult<IReadOnlyList<string>>([.. Elements]);
            Elements.Add((string)args![0]!);
            return Task.CompletedTask;
        }
    }
}
