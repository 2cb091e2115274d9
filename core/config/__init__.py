"""RunConfig and its sections: everything that one training run depends on.

Imports nothing else of ``core``; from ``data`` only tasks and augmentation settings.
"""

from core.config.augmentation import AugmentationConfig
from core.config.budget import BudgetConfig, ComputeConfig, EvalConfig
from core.config.gradients import GradientsConfig
from core.config.heads import HeadConfig
from core.config.loss import LossConfig
from core.config.model import LoraConfig, ModelConfig, ScratchConfig
from core.config.optim import OptimConfig, SwaConfig
from core.config.regularisers import ProximalConfig, RDropConfig, SmartConfig
from core.config.run import RunConfig
from core.config.sampler import SamplerConfig
from core.config.task_layers import TaskLayersConfig
from core.config.tasks import DataConfig, TaskConfig

__all__ = [
    "AugmentationConfig",
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
    "TaskLayersConfig",
]
