"""The whole network; parts are named as in the paper's released weights, misspellings included.

Legend: B batch, T time steps, D dynamic and S static factors, E embedding, F = D + S + 1, W width of time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from geoml_cli.errors import SettingsError
from geoml_cli.models.geomamba.backend import Kernels, choose_kernels
from geoml_cli.models.geomamba.blocks import MambaEncoder, SelectiveEncoder
from geoml_cli.models.geomamba.context import YEAR_WIDTH, Fusion, PositionEncoder, StaticEncoder, TimeCode
from geoml_cli.models.geomamba.kan import KanLinear
from geoml_cli.models.geomamba.settings import NetworkSettings


@dataclass(frozen=True)
class Shape:
    """What the data decide of the network.

    Attributes:
        dynamic: Dynamic factors D.
        static: Static factors S.
        steps: Time steps T of a sample.
        categories: Land-cover classes among the inputs.
        outputs: 1 for a quantity, the number of classes for a classification.
        site: Whether samples hold land cover, static factors and position.
    """

    dynamic: int
    static: int
    steps: int = 1
    categories: int = 17
    outputs: int = 1
    site: bool = True

    @property
    def contexts(self) -> tuple[int, ...]:
        """Return the numbers of the contexts, as released weights count them: land cover, time, static, position."""
        return (1, 2, 3, 4) if self.site else (2,)


class GeoMamba(nn.Module):
    """Factors in, each kind of context brought in by a gate, one value or a score per class out.

    Args:
        settings: The preset's `[network]`.
        shape: What the data decide.

    Raises:
        SettingsError: The embedding does not suit the heads, or several steps; the backend does not work here.
    """

    def __init__(self, settings: NetworkSettings, shape: Shape) -> None:
        super().__init__()
        _check(settings, shape)
        self.shape, self.year_term = shape, settings.year_term
        kernels = choose_kernels(settings.backend)
        self._add_contexts(settings, shape, kernels)
        self._add_stream(settings, shape, kernels)
        if shape.steps > 1:
            self._add_steps(settings, shape, kernels)

    def _add_contexts(self, settings: NetworkSettings, shape: Shape, kernels: Kernels) -> None:
        # Cosine and sine of every period; a year term adds a code of its own.
        width, embedding = 2 * len(settings.periods), settings.embedding
        if shape.site:
            # One number a class, in a sequence of one layer: the released key is `LC_embedding.0`.
            self.LC_embedding = nn.Sequential(nn.Embedding(shape.categories, 1))
            self.LC_Encoder = KanLinear(1, embedding, kernels)
        if settings.year_term:
            self.year_embedding = KanLinear(1, YEAR_WIDTH, kernels)
            width += YEAR_WIDTH
        self.time_code = TimeCode(settings.periods)
        self.timeEncoder = KanLinear(width, embedding, kernels)
        self.timeRMSNorm = nn.RMSNorm(embedding)
        if shape.site:
            self.static_encoder = StaticEncoder(shape.static, embedding, kernels)
            self.position_encoder = PositionEncoder(embedding, kernels)

    def _add_stream(self, settings: NetworkSettings, shape: Shape, kernels: Kernels) -> None:
        embedding, size = settings.embedding, (settings.width, settings.layers)
        factors = shape.dynamic + shape.static
        self.mamba_encoder_64 = SelectiveEncoder(factors, *size, kernels)
        self.dynamic_embed = nn.Sequential(KanLinear(factors, embedding, kernels))
        # A gate and an encoder for every context; their numbers are in the released names.
        for number in shape.contexts:
            self.add_module(f"cross_attn_all{number}", Fusion(embedding, settings.heads, kernels))
            self.add_module(f"mamba_encoder{number}_64", SelectiveEncoder(embedding, *size, kernels))
        # F = D + S + 1, one more than there are factors, as in the released weights.
        self.dynamic_embed_down = nn.Sequential(KanLinear(embedding, factors + 1, kernels))
        self.mamba_encoder_final_64 = SelectiveEncoder(factors + 1, *size, kernels)
        flat = shape.steps * (factors + 1)
        self.regressor2 = nn.Sequential(
            KanLinear(flat, 2 * embedding, kernels),
            KanLinear(2 * embedding, flat, kernels),
            KanLinear(flat, shape.outputs, kernels),
        )

    def _add_steps(self, settings: NetworkSettings, shape: Shape, kernels: Kernels) -> None:
        width = shape.dynamic + shape.static + 1
        # Encoders of whole windows: E channels before the contexts come in, F behind.
        self.mambablock_init = MambaEncoder(settings.embedding, settings.layers, kernels)
        self.RMSNorm_embed_dim = nn.RMSNorm(settings.embedding)
        self.mambablock_fianl = MambaEncoder(width, settings.layers, kernels)
        self.RMSNorm_final = nn.RMSNorm(width)

    def forward(
        self,
        dynamic_BTD: Tensor,
        static_BTS: Tensor | None,
        land_cover_BT: Tensor | None,
        position_BT2: Tensor | None,
        time_BTW: Tensor,
    ) -> Tensor:
        """Return values in the scaled target's units, or scores before softmax, [B, outputs].

        Args:
            dynamic_BTD: Scaled dynamic factors, oldest step first; no NaN.
            static_BTS: Scaled static factors, the same at every step; no NaN; None without the site.
            land_cover_BT: Class numbers from 0; likewise.
            position_BT2: Latitude and longitude [degree], unscaled; likewise.
            time_BTW: The scaled year (with a year term), then the time in the unit of each period, unscaled.
        """
        # Every context is [B, T, E]; which number it has decides its place in the order below.
        contexts = {2: self._time(time_BTW)}
        factors_BTF = dynamic_BTD
        if static_BTS is not None and land_cover_BT is not None and position_BT2 is not None:
            factors_BTF = torch.cat([dynamic_BTD, static_BTS], dim=-1)
            contexts[1] = self.LC_Encoder(self.LC_embedding(self._class_numbers(land_cover_BT)))
            contexts[3] = self.static_encoder(static_BTS)
            contexts[4] = self.position_encoder(position_BT2)
        # Factors are mixed one number a token, and only then brought to the width of the stream.
        stream_BTE = self.dynamic_embed(self.mamba_encoder_64(factors_BTF))
        if self.shape.steps > 1:
            stream_BTE = self.RMSNorm_embed_dim(self.mambablock_init(stream_BTE) + stream_BTE)
        # One context after another, in the paper's order: land cover, time, static factors, position.
        for number in self.shape.contexts:
            stream_BTE = self.get_submodule(f"cross_attn_all{number}")(stream_BTE, contexts[number])
            stream_BTE = self.get_submodule(f"mamba_encoder{number}_64")(stream_BTE)
        # The decoder: back to F numbers a step, mixed once more.
        out_BTF = self.mamba_encoder_final_64(self.dynamic_embed_down(stream_BTE))
        if self.shape.steps > 1:
            out_BTF = self.RMSNorm_final(self.mambablock_fianl(out_BTF) + out_BTF)
        # Time is outermost: the head of several steps reads T * F numbers in this order.
        out_BO: Tensor = self.regressor2(out_BTF.flatten(1))
        if land_cover_BT is not None and torch.compiler.is_compiling():
            known_B1 = self._is_class(land_cover_BT).all(dim=1, keepdim=True)
            out_BO = torch.where(known_B1, out_BO, torch.full_like(out_BO, torch.nan))
        return out_BO

    def _class_numbers(self, land_cover_BT: Tensor) -> Tensor:
        """Return class numbers as an index; PyTorch refuses those beyond its ends."""
        number_BT = land_cover_BT.long()
        # An exported graph cannot refuse: a number that is no class's is read as one, and its output is NaN.
        return number_BT.clamp(0, self.shape.categories - 1) if torch.compiler.is_compiling() else number_BT

    def _is_class(self, land_cover_BT: Tensor) -> Tensor:
        is_whole = land_cover_BT == land_cover_BT.round()
        return is_whole & (land_cover_BT >= 0) & (land_cover_BT < self.shape.categories)

    def _time(self, time_BTW: Tensor) -> Tensor:
        code_BTW = self.time_code(time_BTW[..., int(self.year_term) :])
        if self.year_term:
            # The year's code, then cosine and sine of each scale: the order of the released `timeEncoder`'s inputs.
            code_BTW = torch.cat([self.year_embedding(time_BTW[..., :1]), code_BTW], dim=-1)
        encoded_BTE: Tensor = self.timeRMSNorm(self.timeEncoder(code_BTW))
        return encoded_BTE


def _check(settings: NetworkSettings, shape: Shape) -> None:
    if settings.embedding % settings.heads:
        raise SettingsError(
            f"embedding = {settings.embedding} is not a multiple of heads = {settings.heads}.",
            where="[network]",
            fix="Change one of them.",
        )
    if shape.steps > 1 and settings.embedding != settings.width:
        raise SettingsError(
            f"embedding = {settings.embedding} and width = {settings.width} with {shape.steps} time steps: several "
            "steps need them equal.",
            where="[network]",
            fix=f"Use --set network.embedding={settings.width}, or samples of one step.",
        )
