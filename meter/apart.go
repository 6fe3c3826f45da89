package meter

// Apart tells whether a day's own daily value and the sum of its complete curve differ by more than rounding explains: a curve
// gives whole watts, of each of which up to one may be cut off, and a daily value whole watt-hours. A value that was summed up
// from the curve is no word of its own.
func Apart(daily, curve DayValues) bool {
	if daily.Source == "" || daily.Quality == Computed || !curve.Complete(LoadCurve) {
		return false
	}
	const watt, wattHour = 1, 3600 // joules
	return max(daily.Energy()-curve.Energy(), curve.Energy()-daily.Energy()) > Joules(watt*curve.Covered()+wattHour)
}
