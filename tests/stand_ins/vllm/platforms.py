"""Which device this build computes on."""


class _Cpu:
    device_type = "cpu"


current_platform = _Cpu()
