"""RunConfig and its sections."""

from core.config.heads import HeadConfig
from core.config.model import LoraConfig, ModelConfig, ScratchConfig
from core.config.regularisers import ProximalConfig, RDropConfig, SmartConfig
from core.config.run import BudgetConfig, ComputeConfig, DataConfig, EvalConfig, RunConfig, TaskConfig
from core.config.training import GradientsConfig, LossConfig, OptimConfig, SamplerConfig, SwaConfig

__all__ = [
    "BudgetConfig",
    "ComputeConfig",
    "DataConfig",
    "EvalConfig",
    "GradientsConfig",
    "HeadConfig",
    "LoraConfig",
    "LossConfig",
    "ModelConfig",
    "OptimConfig",
    "ProximalConfig",
    "RDropConfig",
    "RunConfig",
    "SamplerConfig",
    "ScratchConfig",
    "SmartConfig",
    "SwaConfig",
    "TaskConfig",
]
