"""Light on its way to the detector: sky, throughput, dispersion, blur."""
