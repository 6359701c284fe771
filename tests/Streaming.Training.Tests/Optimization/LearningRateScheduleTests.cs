using Streaming.Training.Optimization;

namespace Streaming.Training.Tests.Optimization;

public class LearningRateScheduleTests
{
    [Fact]
    public void Warms_up_linearly_and_decays_along_half_a_cosine()
    {
        var rate = new LearningRateSchedule(Peak: 2, WarmUp: 4, Floor: 0.1);
        Assert.Equal([0.5, 1, 1.5, 2, 2], Enumerable.Range(0, 5).Select(steps => rate.At(steps, progress: 0)));
        Assert.Equal(2 * 0.55, rate.At(1000, 0.5), 1e-9);
        Assert.Equal(2 * (0.1 + 0.9 * (0.5 + 0.5 * Math.Cos(0.25 * Math.PI))), rate.At(1000, 0.25), 1e-9);
        Assert.Equal(0.2, rate.At(1000, 1), 1e-9);
    }
}
