using Streaming.Inference.Caching;
using Streaming.Inference.Kernels.Managed;

namespace Streaming.Inference.Tests.Kernels.Managed;

public class PlaceRangesTests
{
    [Theory]
    [InlineData(0, 1), InlineData(0, 5), InlineData(1, 4), InlineData(4, 7), InlineData(9, 3)]
    public void A_token_sees_the_places_of_the_rule_in_order(int @fixed, int window)
    {
        var layout = new CacheLayout(@fixed, window);
        foreach (long jump in (long[])[0, 1, 6, 1_000_003]) // 0: the whole stream; else a rebuilt slot
        {
            for (long fed = 0; fed < layout.Fixed + 4 * window; fed++)
            {
                long position = fed < layout.Fixed ? fed : fed + jump;
                var expected = new SortedSet<int>();
                for (long before = 0; before <= fed; before++)
                {
                    long at = before < layout.Fixed ? before : before + jump;
                    if (at < layout.Fixed || at > position - window)
                        expected.Add(layout.PlaceOf(at));
                }

                var seen = PlaceRanges.SeenBy(layout, position, fed);

                Assert.Equal(
                    expected,
                    [
                        .. Enumerable.Range(0, seen.FixedPlaces),
                        .. Enumerable.Range(seen.FirstStart, seen.FirstCount),
                        .. Enumerable.Range(seen.SecondStart, seen.SecondCount),
                    ]
                );
                Assert.Equal(expected.Count, seen.Count);
            }
        }
    }
}
